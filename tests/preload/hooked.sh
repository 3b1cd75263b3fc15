#!/bin/bash
# hooked.sh: a library stands before libc's munmap, madvise and mremap, takes
# note of what goes, and allocates there or takes a lock under which others do.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
here=$top_srcdir/tests/preload
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

build() {
	# shellcheck disable=SC2086
	$CC -std=gnu11 $CFLAGS -fno-builtin -pthread "$@"
}

build -shared -fPIC -o "$work/hook.so" "$here/hooked_hook.c" &&
	build -o "$work/hooked" "$here/hooked.c" "$work/hook.so" \
		-Wl,-rpath,"$work" || exit 1

status=0
for mode in note alloc lock; do
	for order in "$TARN_SO $work/hook.so" "$work/hook.so $TARN_SO"; do
		echo "$mode, $order"
		HOOK_MODE=$mode LD_PRELOAD=$order TARN_CONF=decay:20ms \
			"$work/hooked" || {
			echo "exit status $?"
			status=1
		}
	done
done
exit $status
