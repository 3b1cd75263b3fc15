#!/bin/bash
# installcheck.sh: tarn as a user finds it after `make install`. Started by make
# with the directories of the installation in the environment.
# shellcheck disable=SC2046,SC2086,SC2154,SC2317
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
source_dir=$top_srcdir/tests/install
status=0

# check NAME COMMAND...: runs COMMAND and says how it went.
check() {
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "PASS: installcheck: $name"
	else
		echo "FAIL: installcheck: $name"
		sed 's/^/  /' "$work/log"
		status=1
	fi
}

skip() {
	echo "SKIP: installcheck: $1: $2"
}

export PKG_CONFIG_LIBDIR=$PKGCONFIGDIR
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
unset PKG_CONFIG_PATH
if test -n "$DESTDIR"; then
	export PKG_CONFIG_SYSROOT_DIR=$DESTDIR
fi

flags() {
	"$PKG_CONFIG" "$@" tarn
}

# consumer_runs COMPILER SOURCE FLAGS...
consumer_runs() {
	local compiler=$1 source=$2
	shift 2
	rm -f "$work/consumer"
	$compiler -O2 $(flags --cflags) -o "$work/consumer" \
		"$source_dir/$source" "$@" || return 1
	test "$(LD_LIBRARY_PATH=$LIBDIR "$work/consumer")" = "tarn $version"
}

needs_libtarn() {
	readelf -d "$work/consumer" | grep -q 'NEEDED.*libtarn\.so\.0'
}

needs_no_libtarn() {
	test -x "$work/consumer" && ! needs_libtarn
}

# The preloaded program names tarn in its statistics, and does its work.
preloads() {
	local out
	out=$(echo tarn | LD_PRELOAD=$LIBDIR/libtarn.so TARN_CONF=stats:true \
		sort 2>"$work/stats") || return 1
	cat "$work/stats"
	test "$out" = tarn && grep -q "^tarn $version: .*sort" "$work/stats"
}

if test -z "$PKG_CONFIG"; then
	skip "all" "no pkg-config"
	exit 0
fi

check "pkg-config finds tarn" flags --exists
version=$(flags --modversion)
check "the header is installed" test -f "$INCLUDEDIR/tarn.h"
for page in man3/tarn.3 man7/tarn.7; do
	check "$page is installed" test -f "$MANDIR/$page"
done

if test -n "$TARN_SO"; then
	check "a C program, shared" \
		consumer_runs "$CC" consumer.c $(flags --libs)
	check "it needs libtarn.so.0" needs_libtarn
	if test "$HAVE_CXX" != no; then
		check "a C++ program, shared" \
			consumer_runs "$CXX" consumer.cpp $(flags --libs)
	else
		skip "a C++ program, shared" "no C++ compiler"
	fi
	check "sort runs preloaded" preloads
else
	skip "shared" "configured with --disable-shared"
fi

# The library static, libc shared or static too.
static_libs() {
	flags --static --libs | sed 's/-ltarn/-Wl,-Bstatic -ltarn -Wl,-Bdynamic/'
}

if test -n "$TARN_A"; then
	check "a C program, static" \
		consumer_runs "$CC" consumer.c $(static_libs)
	check "it needs no libtarn.so" needs_no_libtarn
	check "a C program, all of it static" \
		consumer_runs "$CC" consumer.c -static $(flags --static --libs)
	if test "$HAVE_CXX" != no; then
		check "a C++ program, static" \
			consumer_runs "$CXX" consumer.cpp $(static_libs)
		check "a C++ program, all of it static" consumer_runs "$CXX" \
			consumer.cpp -static $(flags --static --libs)
	else
		skip "a C++ program, static" "no C++ compiler"
	fi
else
	skip "static" "configured with --disable-static"
fi

exit $status
