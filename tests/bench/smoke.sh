#!/bin/bash
# smoke.sh: every row of the suite runs, with tiny parameters, on tarn and on
# libc's malloc, with the same results; table, pictures and page are made of it.
. "$(dirname "$0")/bench.bash"

run --smoke --allocators tarn,glibc --out "$work/out" >"$work/said" 2>&1
status=$?
cat "$work/said"
test $status = 0 || fail "bench/run ended with $status"

for file in results.json table.md index.html; do
	test -s "$work/out/$file" || fail "there is no $file"
done

# A row whose program is not installed is left out, and no other.
rows=$("$bench/run" --list | grep -c '^  ')
missing=$(grep -c 'apt-get install' "$work/said")
runs=$(python3 -c '
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
print(sum(r["status"] == "ok" for r in runs))' "$work/out/results.json")
echo "$rows rows, $missing without their programs, $runs runs"
test "$runs" = $(((rows - missing) * 2)) || fail "runs are missing"
