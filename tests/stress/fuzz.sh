#!/bin/bash
# fuzz.sh [RUNS]: builds the core with clang's libFuzzer and its sanitizers and
# tries RUNS inputs. The inputs follow from a fixed seed: a failure comes again.
. "$(dirname "$0")/stress.bash"

runs=${1:-1000}
CLANG=${CLANG:-$(command -v clang)}
test -n "$CLANG" || skip "no clang"
printf '%s\n' '#include <stddef.h>' \
	'int LLVMFuzzerTestOneInput(const char *data, size_t length)' \
	'{ return data == NULL && length > 0; }' >"$work/one.c"
"$CLANG" -fsanitize=fuzzer,address,undefined -o "$work/one" "$work/one.c" \
	2>/dev/null || skip "$CLANG has no libFuzzer"

sanitizers="-fsanitize=fuzzer-no-link,address,undefined
	-fno-sanitize-recover=all"
# shellcheck disable=SC2086
build_core "$CLANG" $sanitizers
# shellcheck disable=SC2086
"$CLANG" $core_flags $sanitizers -fsanitize=fuzzer -o "$work/fuzz" \
	"$here/fuzz.c" "$here/shadow.c" "$work"/core/*.o || exit 1

mkdir "$work/corpus"
if ! "$work/fuzz" -seed=1 -runs="$runs" -len_control=0 -max_len=600 -rss_limit_mb=4096 \
	-print_final_stats=1 -artifact_prefix="$work/" "$work/corpus" \
	>"$work/log" 2>&1; then
	cat "$work/log"
	for input in "$work"/crash-* "$work"/leak-* "$work"/timeout-*; do
		test -f "$input" && base64 "$input"
	done
	exit 1
fi
grep -E 'executed_units|DONE' "$work/log"
