#!/bin/bash
# automatic.sh: a program that knows nothing of tarn, with traces by the options
# alone: it is told of what it loses, and of nothing else.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0

fail() {
	echo "$*"
	status=1
}

skip() {
	echo "skipped: $*"
	exit 77
}

test -n "${TARN_SO-}" || skip "no shared library"
"${CC:-cc}" -O1 -pthread "${top_srcdir:-.}/tests/trace/automatic.c" \
	-o "$work/automatic" || skip "cannot compile"

# run OPTIONS [ARGUMENT]: stdout to out, stderr to err.
run() {
	TARN_CONF=$1 LD_PRELOAD=$TARN_SO "$work/automatic" ${2+"$2"} \
		>"$work/out" 2>"$work/err" || fail "$*: it ended with $?"
	grep -q '^done$' "$work/out" || fail "$*: it did not end"
}

for options in collect:32k collect_interval:1ms collect:1m,sites:all \
	collect:64k,sites:sampled collect:64k,check:true; do
	run "$options"
	test -s "$work/err" && fail "$options: said of a healthy program:" \
		"$(head -5 "$work/err")"
done

run collect:128k leak
grep -q '^tarn: collect: .* newly lost (' "$work/err" ||
	fail "nothing was said of what is lost: $(head -5 "$work/err")"
grep -q '^tarn:   cycle of 3 block(s)' "$work/err" ||
	fail "no cycle was named: $(head -5 "$work/err")"

run stats:off leak
test -s "$work/err" && fail "said without being asked: $(head -5 "$work/err")"

exit $status
