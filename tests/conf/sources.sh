#!/bin/bash
# sources.sh: where options come from, in whole programs: a linked program's own,
# shared and static, those of one that is preloaded, the environment, which
# overrides them, and a set-uid program, where it must not.
set -u

top_srcdir=${top_srcdir:-.}
CC=${CC:-cc}
status=0
unset TARN_CONF

if test -z "${TARN_SO-}${TARN_A-}"; then
	echo "skipped: no library in this build"
	exit 77
fi
if test -e /etc/tarn.conf; then
	echo "skipped: this machine has an /etc/tarn.conf"
	exit 77
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# compile NAME FLAG...
compile() {
	local name=$1
	shift
	$CC -I"$top_srcdir/src" "$top_srcdir/tests/conf/prints_decay.c" \
		-o "$work/$name" "$@" || exit 1
}

# expect WHAT EXPECTED COMMAND...
expect() {
	local what=$1 expected=$2 got
	shift 2
	got=$("$@" 2>&1) || got="$got (exit status $?)"
	test "$got" = "$expected" && return
	echo "$what: \"$got\", not \"$expected\""
	status=1
}

# try_program HOW COMMAND...: its own options, then the environment's.
try_program() {
	local how=$1
	shift
	expect "$how" "0 7s" env "$@"
	expect "$how, TARN_CONF" "0 3s" env TARN_CONF=decay:3s "$@"
	expect "$how, TARN_CONF without decay" "0 7s" \
		env TARN_CONF=check:true "$@"
}

# The set-uid program belongs to nobody, and is started by root.
try_set_uid() {
	local program=$work/set-uid
	if test "$(id -u)" != 0; then
		echo "not tried: a set-uid program, for want of root"
		return
	fi
	cp "$1" "$program"
	chown 65534 "$program" && chmod 4755 "$program"
	if test "$(env "$program" 2>&1)" = "0 7s"; then
		echo "not tried: a set-uid program, because $work has none"
		return
	fi
	expect "set-uid" "1 7s" env "$program"
	expect "set-uid, TARN_CONF" "1 7s" env TARN_CONF=decay:3s "$program"
	expect "set-uid, bad TARN_CONF" "1 7s" \
		env TARN_CONF=strict:true,oops "$program"
}

if test -n "${TARN_SO-}"; then
	cp "$TARN_SO" "$work/libtarn.so.0" || exit 1
	chmod 755 "$work/libtarn.so.0"
	compile shared -DLINKED "$TARN_SO" -Wl,-rpath,"$work"
	try_program shared "$work/shared"
	try_set_uid "$work/shared"
	compile preloaded -rdynamic -ldl
	try_program preloaded LD_PRELOAD="$TARN_SO" "$work/preloaded"
fi

if test -n "${TARN_A-}"; then
	compile static -DLINKED -static "$TARN_A" -lpthread
	try_program static "$work/static"
	try_set_uid "$work/static"
fi

exit $status
