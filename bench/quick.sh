#!/bin/sh
# quick.sh: bench/quick under tarn and whatever other malloc is installed, in turns.
#
#	quick.sh QUICK LIBTARN [ROUNDS]
#
# Prints nanoseconds an operation, the median of the rounds (5 if not said).
set -eu
quick=$1 tarn=$2 rounds=${3:-5}
names="glibc tarn"
library_of() {
	case $1 in
	glibc) ;;
	tarn) echo "$tarn" ;;
	jemalloc) ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1 ;;
	mimalloc) ls /usr/lib/*/libmimalloc.so.2* 2>/dev/null | head -n 1 ;;
	tcmalloc) ls /usr/lib/*/libtcmalloc_minimal.so.4 2>/dev/null | head -n 1 ;;
	esac
}
for name in jemalloc mimalloc tcmalloc; do
	if [ -n "$(library_of $name)" ]; then
		names="$names $name"
	else
		echo "quick.sh: $name is not installed, so left out" >&2
	fi
done
samples=$(mktemp -d)
trap 'rm -rf "$samples"' EXIT
printf '%-16s' load
for name in $names; do printf '%10s' "$name"; done
echo
for load in $("$quick"); do
	round=0
	while [ $round -lt "$rounds" ]; do
		for name in $names; do
			LD_PRELOAD=$(library_of $name) "$quick" "$load" \
				>>"$samples/$load.$name"
		done
		round=$((round + 1))
	done
	printf '%-16s' "$load"
	for name in $names; do
		sort -n "$samples/$load.$name" |
			awk '{a[NR] = $1} END {printf "%10.2f", a[int((NR + 1) / 2)]}'
	done
	echo
done
