#!/bin/bash
# locked_all.sh: under mlockall tarn's memory is at most 1.3 times libc's, and
# where 8 MiB may be locked it serves as many blocks as libc does. (The library's
# own tables are 1.1 MiB, which is too much where less may be locked.)

skip() {
	echo "skipped: $*"
	exit 77
}

test -n "$TARN_SO" || skip "no shared library in this build"
test "$(id -u)" = 0 || skip "only root may lock all that it wants"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# Where any user can read them.
cp "$top_builddir/tests/promises/locked_all" "$TARN_SO" "$work" || exit 1
status=0

# once: what the program says, on libc or on $preload.
once() {
	"${as_user[@]}" env ${preload:+LD_PRELOAD="$preload"} \
		"$work/locked_all" "$n_before"
}

# compare NAME: with libc and with tarn.
compare() {
	local name="$1, $n_before blocks before"
	local libc_kib libc_n libc_locked kib n locked
	read -r libc_kib libc_n libc_locked <<<"$(preload='' once)"
	read -r kib n locked <<<"$(preload=$work/libtarn.so once)"
	echo "$name: $kib KiB, $n blocks, locked $locked; libc $libc_kib" \
		"KiB, $libc_n blocks, locked $libc_locked"
	if ((${kib:-1000000000} > libc_kib * 13 / 10)); then
		echo "$name: more than 1.3 times libc's memory"
		status=1
	fi
	if ((${n:-0} < libc_n * 9 / 10 || ${locked:-0} < libc_locked)); then
		echo "$name: fewer blocks than libc gives, or not locked"
		status=1
	fi
}

for n_before in 1 10000; do
	as_user=()
	compare "as root"
	for kib in 8192 16384 65536; do
		as_user=(prlimit --memlock=$((kib << 10))
			setpriv --reuid 65534 --clear-groups)
		# More than this process may lock cannot be given away either.
		"${as_user[@]}" true 2>/dev/null || continue
		compare "as nobody, $kib KiB"
	done
done
exit $status
