#!/bin/bash
# needed.sh: the library needs nothing but the C library, and no more than one
# word of static TLS, so that it can be opened with dlopen.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
command -v readelf >/dev/null || { echo "skipped: no readelf"; exit 77; }
status=0

others=$(readelf -dW "$TARN_SO" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vE '^(libc|ld-linux.*)\.so')
if test -n "$others"; then
	echo "needed besides the C library:" "$others"
	status=1
fi

bytes=$(readelf -lW "$TARN_SO" | awk '$1 == "TLS" { print $6 }')
# Builds with --enable-debug keep the ranks of held locks in another word.
limit=8
case $TARN_CPPFLAGS in *TARN_DEBUG*) limit=16 ;; esac
if ((${bytes:-0} > limit)); then
	echo "static TLS: $((bytes)) bytes, more than $limit"
	status=1
fi
exit $status
