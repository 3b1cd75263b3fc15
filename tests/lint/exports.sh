#!/bin/bash
# exports.sh: the libraries export what tests/exported.txt lists, and nothing
# else; libtarn.so needs libc alone, and one word of static TLS at most.
. "$(dirname "$0")/lint.bash"

test -n "$TARN_SO$TARN_A" || skip "no library in this build"
command -v readelf >/dev/null || skip "no readelf"

listed=$work/listed
grep -v '^#' "$top_srcdir/tests/exported.txt" | LC_ALL=C sort >"$listed"

# The names in the symbol table of a file, by binding and visibility:
# awk's $5 is the binding, $6 the visibility, $7 the section, $8 the name.
symbols() {
	readelf --wide "$@" | awk '$1 ~ /^[0-9]+:$/ && $7 != "UND"'
}

if test -n "$TARN_SO"; then
	symbols --dyn-syms "$TARN_SO" |
		awk '$7 != "ABS" { print $8 }' | LC_ALL=C sort >"$work/exported"
	diff -u --label tests/exported.txt --label libtarn.so \
		"$listed" "$work/exported" ||
		fail "libtarn.so does not export what tests/exported.txt lists"

	needed=$(readelf -d "$TARN_SO" |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		grep -vE '^(libc\.so\.6|ld-linux.*)$')
	test -z "$needed" || fail "libtarn.so needs" "$needed"

	tls=$(readelf --wide --segments "$TARN_SO" |
		awk '$1 == "TLS" { print $6 }')
	# Builds with --enable-debug keep the ranks of held locks in another.
	limit=8
	case $TARN_CPPFLAGS in *TARN_DEBUG*) limit=16 ;; esac
	((${tls:-0} <= limit)) ||
		fail "libtarn.so has $((tls)) bytes of static TLS, more than $limit"

	readelf -d "$TARN_SO" | grep -q TEXTREL &&
		fail "libtarn.so has text relocations"
	readelf -d "$TARN_SO" | grep -q 'FLAGS_1.*NODELETE' ||
		fail "libtarn.so can be unloaded: -z nodelete is missing"
fi

# In the archive the names have no version, and dlopen and dlclose are
# not replaced.
if test -n "$TARN_A"; then
	sed 's/@.*//' "$listed" | grep -vE '^dl(close|open)$' >"$work/listed.a"
	symbols --syms "$TARN_A" |
		awk '$5 != "LOCAL" && $6 == "DEFAULT" { print $8 }' |
		LC_ALL=C sort -u >"$work/exported.a"
	diff -u --label tests/exported.txt --label libtarn.a \
		"$work/listed.a" "$work/exported.a" ||
		fail "libtarn.a does not define what tests/exported.txt lists"
fi

exit $status
