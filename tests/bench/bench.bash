# bench.bash: what the tests of the benchmark suite share. They are started by
# make with the variables named in Makefile.am.

set -u
export LC_ALL=C
unset LD_PRELOAD TARN_CONF MAKEFLAGS MAKELEVEL
bench=$top_srcdir/bench

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	exit 1
}

test -n "${TARN_SO-}" || skip "no shared library in this build"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
	skip "no python3 of 3.10 or later"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# A bound on what hangs, far above what any of these takes.
run() {
	timeout -k 10 900 "$bench/run" --build "$top_builddir" "$@"
}
