#!/bin/bash
# replay.sh: a program is recorded, without a change of what it prints, and
# replayed on libc's malloc and on tarn; damaged recordings are refused.
. "$(dirname "$0")/bench.bash"

replay=$top_builddir/bench/replay/replay
test -x "$replay" || skip "no zlib"
export TIMEFORMAT=

# The work of awk: strings and arrays that come and go.
program='BEGIN {
	for (i = 0; i < 20000; i++) {
		a[i % 700] = a[i % 700] " " i
		if (length(a[i % 700]) > 100)
			delete a[i % 700]
	}
	for (i = 0; i < 700; i++)
		print a[i]
}'
awk "$program" </dev/null >"$work/plain"
timeout 300 "$bench/replay/record" --build "$top_builddir" "$work/awk.rec" \
	awk "$program" </dev/null >"$work/recorded" || fail "it cannot be recorded"
sed '$d' "$work/recorded" | cmp -s - "$work/plain" ||
	fail "awk prints something else when it is recorded"
grep -q ' operations' "$work/recorded" || fail "nothing is said of the recording"

# expect STATUS ARGUMENT...: how replay ends.
expect() {
	local status=$1
	shift
	timeout 300 "$@" >"$work/out" 2>"$work/err"
	local ended=$?
	test $ended = "$status" ||
		fail "$* ended with $ended: $(cat "$work/out" "$work/err")"
}

for recording in "$work/awk.rec" "$bench"/replay/recordings/*.rec; do
	sums=
	for library in libc.so.6 "$TARN_SO"; do
		expect 0 env LD_PRELOAD="$library" "$replay" "$recording" times=1
		sums="$sums $(sed -n 's/^check //p' "$work/out")"
	done
	test "${sums% *}" = " ${sums##* }" || fail "$recording: sums differ: $sums"
done

# Cut short, or with one byte changed, wherever it is.
size=$(stat -c %s "$work/awk.rec")
for part in 0 50 111 112 113 $((size / 2)) $((size - 1)); do
	head -c "$part" "$work/awk.rec" >"$work/cut.rec"
	expect 2 "$replay" "$work/cut.rec" times=1
	grep -q "cut.rec: it " "$work/err" || fail "no reason: $(cat "$work/err")"
done
for at in $(seq 0 7 111) $(seq 112 $((size / 23)) $((size - 1))); do
	cp "$work/awk.rec" "$work/changed.rec"
	byte=$(tail -c +$((at + 1)) "$work/awk.rec" | head -c 1 | od -An -tu1)
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((${byte:-0} ^ 16)))" |
		dd of="$work/changed.rec" bs=1 seek="$at" conv=notrunc status=none
	expect 2 "$replay" "$work/changed.rec" times=1
done

# A malloc that loses contents is found.
cat >"$work/forgets.c" <<'END'
#include <stdlib.h>
#include <string.h>
void *__libc_realloc(void *, size_t);
void *realloc(void *p, size_t n)
{
	char *q = __libc_realloc(p, n);
	if (q != NULL && n > 16)
		memset(q + 16, 0, n - 16);
	return q;
}
END
${CC:-cc} -shared -fPIC -o "$work/forgets.so" "$work/forgets.c" ||
	skip "no shared library can be made"
expect 3 env LD_PRELOAD="$work/forgets.so" \
	"$replay" "$bench/replay/recordings/sqlite3.rec" times=1
echo "as it should be"
