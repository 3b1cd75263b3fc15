#!/bin/bash
# headers.sh: every header compiles alone, and twice in one file; the public one
# also as C99 and as C++, with every warning.
. "$(dirname "$0")/lint.bash"

# compiles NAME COMMAND...: an include of NAME, twice, passes through COMMAND.
compiles() {
	local name=$1
	shift
	if ! printf '#include "%s"\n#include "%s"\nextern int unused;\n' \
		"$name" "$name" | "$@" -fsyntax-only - 2>"$work/log"; then
		fail "$name does not compile alone: $*" "$(cat "$work/log")"
	fi
}

# Compilers and flags may be several words.
# shellcheck disable=SC2086
{
	for header in $(c_files src tests | grep '\.h$'); do
		compiles "${header#src/}" $CC $TARN_CPPFLAGS $TARN_CFLAGS \
			-I"$top_srcdir" -Werror -x c
	done

	strict="-Wall -Wextra -Wpedantic -Werror -I$top_srcdir/src"
	for std in c99 c11; do
		compiles tarn.h $CC -std=$std $strict -x c
	done
	if printf 'int main() {}\n' |
		${CXX:-false} -x c++ -fsyntax-only - 2>/dev/null; then
		for std in c++11 c++17; do
			compiles tarn.h $CXX -std=$std $strict -x c++
		done
	fi
}

exit $status
