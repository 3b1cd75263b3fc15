#!/bin/bash
# small_limit.sh: small programs start and work under RLIMIT_AS of 64 MiB, as
# they do without tarn.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0
n_run=0
seq 20000 >"$work/numbers"

# compare COMMAND...: the same output and exit status, without tarn and with it.
compare() {
	local expected found
	command -v "$1" >/dev/null || return
	expected=$(ulimit -v 65536 && "$@" 2>&1; echo "exit status $?")
	case $expected in *'exit status 0') ;; *) return ;; esac
	n_run=$((n_run + 1))
	found=$(ulimit -v 65536 &&
		env LD_PRELOAD="$TARN_SO" "$@" 2>&1; echo "exit status $?")
	if test "$expected" != "$found"; then
		echo "$*: $(tail -n 3 <<<"$found")"
		status=1
	fi
}

compare true
compare echo hello
compare cat "$work/numbers"
compare ls -l "$work"
compare sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i | cat; done'
compare bash -c 'x=$(printf %1000000s); echo ${#x}'
compare sed -n '$p' "$work/numbers"
compare awk '{ a[NR] = $1; sum += $1 } END { print sum, length(a) }' \
	"$work/numbers"
compare sort -rn "$work/numbers"
compare grep -c 77 "$work/numbers"
compare sh -c 'tr 0-9 a-j <"$1" | tail -n 1' sh "$work/numbers"
compare perl -e 'my %h; $h{$_} = $_ x 20 for 1..20000; print scalar keys %h, "\n"'

if test $n_run -lt 8; then
	echo "only $n_run programs were found to start without tarn"
	status=1
fi
exit $status
