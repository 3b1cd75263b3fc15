# cli.bash: what the scripts of tests/cli share. make starts them with the
# variables named in Makefile.am; by hand it is
# TARN=/path/to/tarn TARN_SO=/path/to/libtarn.so bash tests/cli/NAME.sh

# A bound on what hangs, far above what any of these takes.
if test -z "${cli_bounded-}"; then
	cli_bounded=1 exec timeout -k 10 300 bash "$0" "$@"
fi

set -u
export LC_ALL=C
unset LD_PRELOAD TARN_CONF TARN_LIBRARY TARN_REPORTS XDG_RUNTIME_DIR NO_COLOR
CC=${CC:-cc}
here=$(cd "$(dirname "$0")" && pwd)
status=0
n_checks=0
ulimit -c 0

skip() {
	echo "skipped: $*"
	exit 77
}

# fail LINE...: what is wrong. The test goes on and fails at its end.
fail() {
	printf '%s\n' "FAILED: $1"
	shift
	(($# == 0)) || printf '  %s\n' "$@"
	status=1
}

# has PROGRAM: whether it is there.
has() {
	command -v "$1" >/dev/null
}

test -n "${TARN-}" || skip "no command in this build"
test -n "${TARN_SO-}" || skip "no shared library in this build"

# All directories that the command makes are made in $tmp.
work=$(mktemp -d) || exit 1
# A child that is killed before it is another program would run the trap, too.
trap 'test "$BASHPID" != $$ || rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
cd "$work" || exit 1

# build FILE.c NAME [OPTION...]: a program; false if that cannot be.
build() {
	local source=$1 name=$2
	shift 2
	$CC -g -O1 -fno-builtin -pthread "$source" -o "$name" "$@" 2>build.err
}

build "$here/play.c" play || {
	cat build.err
	exit 1
}
play=$work/play

# run ARGUMENT...: play, with its leaks; what it writes is left in out and err,
# the status in $result. A shell of its own, for shells say how a program ended.
run() {
	last="play $*"
	bash -c '"$@" 2>err; exit $?' - "$TARN" run --leaks "$play" "$@" \
		>out 2>/dev/null </dev/null
	result=$?
}

# tarn ARGUMENT...: the same for all that the command can do.
tarn() {
	last="tarn $*"
	bash -c '"$@" 2>err; exit $?' - "$TARN" "$@" >out 2>/dev/null </dev/null
	result=$?
}

show() {
	fail "$1" "after: $last"
	head -n 20 err | sed 's/^/  err: /'
	head -n 20 out | sed 's/^/  out: /'
}

# ends STATUS: the last one did.
ends() {
	n_checks=$((n_checks + 1))
	test "$result" = "$1" || show "status $result instead of $1"
}

# says REGEX...: each is a line, or in one, of what the last one wrote to err.
says() {
	local regex
	for regex; do
		n_checks=$((n_checks + 1))
		grep -Eq -- "$regex" err || show "does not say: $regex"
	done
}

says_not() {
	n_checks=$((n_checks + 1))
	! grep -Eq -- "$1" err || show "should not say: $1"
}

# is WHAT FOUND EXPECTED: they are equal.
is() {
	n_checks=$((n_checks + 1))
	test "$2" = "$3" || fail "$1" "found:    $2" "expected: $3"
}

# is_true WHAT COMMAND...: it is.
is_true() {
	local what=$1
	shift
	n_checks=$((n_checks + 1))
	"$@" || fail "$what"
}

# n_reports N: so many processes reported.
n_reports() {
	n_checks=$((n_checks + 1))
	test "$(grep -Ec '^tarn: (leaks of )?[^ ]+ \(pid' err)" = "$1" ||
		show "not $1 reports"
}

# finish: the private folders are gone; the end of every test.
finish() {
	is "folders are left in $TMPDIR" "$(ls -A "$TMPDIR")" ""
	echo "$n_checks checks"
	exit $status
}
