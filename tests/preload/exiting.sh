#!/bin/bash
# exiting.sh: a program that ends at once ends with its status, and what others
# do then is done once, in whatever order the libraries are loaded.

here=$top_srcdir/tests/preload
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0
n_run=0

build() {
	# shellcheck disable=SC2086
	$CC -std=gnu11 $CFLAGS -fno-builtin "$@"
}

# ends WAY EXPECTED COMMAND...: with status 3 and that on standard output.
ends() {
	local way=$1 expected=$2 found result
	shift 2
	n_run=$((n_run + 1))
	found=$(env "$@" "$way")
	result=$?
	if test $result != 3 || test "$found" != "$expected"; then
		echo "$*" "$way: exit status $result, says \"$found\""
		status=1
	fi
}

build -shared -fPIC -o "$work/hook.so" "$here/exiting_hook.c" || exit 1
hook=$work/hook.so
if test -n "$TARN_SO"; then
	build -o "$work/plain" "$here/exiting_host.c" || exit 1
	build -o "$work/linked" "$here/exiting_host.c" "$TARN_SO" \
		-Wl,-rpath,"$(dirname "$TARN_SO")" || exit 1
	for way in _exit _Exit; do
		ends $way "" LD_PRELOAD="$TARN_SO" "$work/plain"
		for both in "$TARN_SO $hook" "$hook $TARN_SO"; do
			ends $way recorded LD_PRELOAD="$both" "$work/plain"
		done
		ends $way recorded LD_PRELOAD="$hook" "$work/linked"
	done
	# libc calls its own there.
	ends quick_exit "" LD_PRELOAD="$TARN_SO $hook" "$work/plain"
fi
if test -n "$TARN_A"; then
	build -o "$work/archive" "$here/exiting_host.c" "$TARN_A" || exit 1
	for way in _exit _Exit quick_exit; do
		ends $way "" "$work/archive"
	done
	ends _exit recorded LD_PRELOAD="$hook" "$work/archive"
	# Not every C library is there as an archive.
	if build -static -o "$work/static" "$here/exiting_host.c" "$TARN_A" \
		2>"$work/log"; then
		for way in _exit _Exit quick_exit; do
			ends $way "" "$work/static"
		done
	fi
fi
test $n_run != 0 || { echo "skipped: no library in this build"; exit 77; }
echo "$n_run programs ended"
exit $status
