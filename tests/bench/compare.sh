#!/bin/bash
# compare.sh: bench/compare finds a change of one row, of one group and of memory,
# and none where nothing changed; the statistics below it agree with the tables.
. "$(dirname "$0")/bench.bash"

timeout 300 python3 -B "$top_srcdir/tests/bench/compare.py" "$bench" ||
	fail "see above"
