# model.bash: what the scripts that run a model to its end share. They are started
# by make with the variables named in Makefile.am, or by hand from the top of the
# source tree.

top_srcdir=$(cd "${top_srcdir:-.}" && pwd) || exit 1
here=$top_srcdir/tests/model
CC=${CC:-cc}
CXX=${CXX:-c++}
status=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

skip() {
	echo "skipped: $*"
	exit 77
}

need_spin() {
	command -v spin >/dev/null || skip "no spin"
}

# search OPTIMIZE MODEL FLAG...: visits the states of MODEL.pml to the end, or to
# the first that breaks a law; what was found is in $work/found.
search() {
	local optimize=$1 model=$2
	shift 2
	rm -rf "$work/search"
	mkdir "$work/search" || return 1
	(
		cd "$work/search" || exit 1
		spin -a "$@" "$here/$model.pml" &&
			$CC "$optimize" -w -DSAFETY -DCOLLAPSE -DMEMLIM=900 \
				-o verify pan.c &&
			./verify -m100000
	) >"$work/found" 2>&1
}

# Else it is no proof: not all states fitted, or a way was too long.
is_complete() {
	! grep -qE 'not completed|depth too small|exceeded' "$work/found"
}

tell() {
	local states
	states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$work/found")
	echo "$1 ${*:2}: ${states:-no} states"
}

# holds MODEL FLAG...: the laws hold in every state.
holds() {
	if search -O2 "$@" && is_complete &&
		grep -q 'errors: 0' "$work/found"; then
		tell "ok   holds: " "$@"
	else
		tell "FAIL breaks:" "$@"
		tail -n 40 "$work/found"
		status=1
	fi
}

# breaks MODEL FLAG...: a law is seen to break, in what was built wrong.
breaks() {
	search -O0 "$@"
	if grep -q 'errors: 1' "$work/found"; then
		tell "ok   breaks:" "$@"
	else
		tell "FAIL holds: " "$@"
		tail -n 40 "$work/found"
		status=1
	fi
}
