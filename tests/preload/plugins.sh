#!/bin/bash
# plugins.sh: objects opened with RTLD_DEEPBIND share the program's memory, and
# the libraries that open them are known as the callers.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
here=$top_srcdir/tests/preload
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

build() {
	# shellcheck disable=SC2086
	$CC -std=gnu11 $CFLAGS -fno-builtin "$@"
}

mkdir "$work/beside"
build -shared -fPIC -o "$work/beside/plugin.so" "$here/plugin.c" &&
	build -shared -fPIC -o "$work/beside/caller.so" \
		-Wl,--enable-new-dtags,-rpath,'$ORIGIN' "$here/plugin_caller.c" &&
	build -o "$work/host" "$here/plugin_host.c" || exit 1

host() {
	env LD_PRELOAD="$TARN_SO" "$@"
}

status=0
host "$work/host" "$work/beside/caller.so" "$work/beside/plugin.so" 0 ||
	status=1
host TARN_CONF=deepbind:true "$work/host" "$work/beside/caller.so" \
	"$work/beside/plugin.so" 1 || status=1
exit $status
