#!/bin/bash
# late_load.sh: a program that runs on the C library's malloc opens tarn with
# dlopen, in each scope, with thread keys left and without.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
program=$top_builddir/tests/preload/late_load
status=0
for scope in local global; do
	for keys in some none; do
		"$program" "$TARN_SO" $scope $keys || {
			echo "scope $scope, keys $keys: exit status $?"
			status=1
		}
	done
done
exit $status
