#!/bin/bash
# format.sh: clang-format has nothing to change. Its versions differ, so only 14
# is asked.
. "$(dirname "$0")/lint.bash"

test -n "$CLANG_FORMAT" || skip "no clang-format"
"$CLANG_FORMAT" --version | grep -q 'version 14\.' ||
	skip "clang-format is $("$CLANG_FORMAT" --version), not 14"

cd "$top_srcdir" || exit 1
mapfile -t files < <(c_files)
"$CLANG_FORMAT" --dry-run -Werror "${files[@]}"
