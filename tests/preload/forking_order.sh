#!/bin/bash
# forking_order.sh: tarn's fork handlers are innermost, whoever else registers
# theirs and however early: preloaded, linked, as an archive, and all static.

here=$top_srcdir/tests/preload
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0
n_run=0

build() {
	# shellcheck disable=SC2086
	$CC -std=gnu11 $CFLAGS -fno-builtin -pthread "$@"
}

# runs NAME COMMAND...: says what went wrong with the program.
runs() {
	local name=$1
	shift
	n_run=$((n_run + 1))
	LD_LIBRARY_PATH=$work env "$@" || {
		echo "$name: exit status $?"
		status=1
	}
}

build -shared -fPIC -o "$work/liblibrary.so" "$here/forking_library.c"
if test -n "$TARN_SO"; then
	build -o "$work/plain" "$here/forking_host.c" -L"$work" -llibrary
	runs preloaded LD_PRELOAD="$TARN_SO" "$work/plain"
	runs "preloaded after a library" \
		LD_PRELOAD="$work/liblibrary.so $TARN_SO" "$work/plain"
	build -o "$work/linked" "$here/forking_host.c" "$TARN_SO" \
		-L"$work" -llibrary -Wl,-rpath,"$(dirname "$TARN_SO")"
	runs linked "$work/linked"
	build -o "$work/linked_last" "$here/forking_host.c" -L"$work" -llibrary \
		"$TARN_SO" -Wl,-rpath,"$(dirname "$TARN_SO")"
	runs "linked after a library" "$work/linked_last"
fi
if test -n "$TARN_A"; then
	build -o "$work/archive" "$here/forking_host.c" "$TARN_A" \
		-L"$work" -llibrary
	runs "as an archive" "$work/archive"
	# Not every C library is there as an archive.
	if build -static -o "$work/static" "$here/forking_host.c" \
		"$here/forking_library.c" "$TARN_A" 2>"$work/log"; then
		runs "all static" "$work/static"
	fi
fi
test $n_run != 0 || { echo "skipped: no library in this build"; exit 77; }
echo "forked in $n_run programs"
exit $status
