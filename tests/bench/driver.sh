#!/bin/bash
# driver.sh: bench/run with what can go wrong: a library that crashes, one that is
# no malloc, a stop in the middle, options that cannot be meant.
. "$(dirname "$0")/bench.bash"

row=lifo_small
cc=${CC:-cc}

# expect STATUS PATTERN ARGUMENT...: how bench/run ends, and what it says.
expect() {
	local status=$1 pattern=$2
	shift 2
	run "$@" >"$work/said" 2>&1
	local ended=$?
	grep -qE -- "$pattern" "$work/said" ||
		fail "bench/run $*: no \"$pattern\" in: $(cat "$work/said")"
	test $ended = "$status" ||
		fail "bench/run $*: ended with $ended: $(cat "$work/said")"
}

expect 0 "$row" --list
expect 1 'no row and no group is called "nonsense"' nonsense
expect 1 'dlmalloc is none of tarn' --allocators dlmalloc
expect 1 'not of the form NAME=PATH' --alloc nonsense
expect 1 'no such file' --alloc other=/nonexistent.so
expect 1 'no list of numbers' --threads two
expect 2 'at least 1' --rounds 0
expect 1 'two allocators have the same name' --alloc "tarn=$TARN_SO"
expect 1 'no run in bench-results was stopped|name it with --out' --resume
expect 1 'there is no run to go on with' --resume --out "$work"

# A library without malloc, and one whose malloc crashes.
echo 'int nothing_here;' >"$work/empty.c"
echo '#include <stdlib.h>
void *malloc(size_t n) { (void)n; abort(); }' >"$work/crash.c"
for name in empty crash; do
	$cc -shared -fPIC -o "$work/$name.so" "$work/$name.c" ||
		skip "$cc makes no shared library"
done
expect 1 'on crash: failed' --smoke --allocators glibc --no-report \
	--alloc "crash=$work/crash.so" --out "$work/crash" $row
expect 1 'on empty: not_preloaded: malloc is of .*libc' --smoke --no-report \
	--allocators glibc --alloc "empty=$work/empty.so" --out "$work/empty" $row

# Stopped with half of the journal, and gone on: the same runs, each once.
expect 0 results --smoke --rounds 2 --allocators tarn,glibc --no-report \
	--out "$work/stopped" $row
rm "$work/stopped/results.json"
journal=$work/stopped/journal.jsonl
head -n 3 "$journal" >"$work/half"
head -n 4 "$journal" | tail -n 1 | head -c 20 >>"$work/half"
cp "$work/half" "$journal"
expect 1 'other rounds' --smoke --rounds 3 --allocators tarn,glibc --no-report \
	--out "$work/stopped" --resume $row
expect 0 results --smoke --rounds 2 --allocators tarn,glibc --no-report \
	--out "$work/stopped" --resume $row
python3 - "$work/stopped/results.json" <<'END' || fail "resumed runs differ"
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
keys = [(r["round"], r["allocator"]) for r in runs]
sys.exit(sorted(keys) != [(1, "glibc"), (1, "tarn"), (2, "glibc"), (2, "tarn")])
END
expect 1 'there is a run already' --smoke --out "$work/stopped" $row
echo "as it should be"
