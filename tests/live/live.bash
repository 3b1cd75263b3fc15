# live.bash: what the scripts of tests/live share: processes that run on tarn,
# and what they must look like after they were asked.
#
# make starts the scripts with the variables named in Makefile.am; by hand it is
# top_srcdir=. top_builddir=BUILD TARN=BUILD/tarn TARN_SO=BUILD/.libs/libtarn.so \
#	bash tests/live/NAME.sh

# A bound on what hangs, far above what any of these takes.
if test -z "${live_bounded-}"; then
	live_bounded=1 exec timeout -k 10 "${bound_seconds:-600}" bash "$0" "$@"
fi

set -u
export LC_ALL=C TZ=UTC PYTHONDONTWRITEBYTECODE=1
unset LD_PRELOAD TARN_CONF TARN_LIBRARY MAKEFLAGS MAKELEVEL MFLAGS
unset DEBUGINFOD_URLS
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
status=0
n_done=0

skip() {
	echo "skipped: $*"
	exit 77
}

# fail WHAT [FILE]: goes on.
fail() {
	echo "FAILED: $1"
	test $# = 1 || tail -n 40 "$2" | cut -c 1-200 | sed 's/^/  /'
	status=1
}

has() {
	command -v "$1" >/dev/null
}

test -n "${TARN_SO-}" || skip "no shared library in this build"
test -f "$TARN_SO" || { fail "no such file: TARN_SO=$TARN_SO"; exit 1; }
tests=$(cd "${top_builddir:-.}/tests/live" && pwd) || exit 1
ask=$tests/ask

work=$(mktemp -d) || exit 1
chmod 755 "$work"
cd "$work" || exit 1
export HOME=$work TMPDIR=$work
started=()
end_all() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	cd /
	rm -rf "$work"
}
trap end_all EXIT

need_python() {
	has python3 || skip "python3 is not installed"
	python=$(python3 -c 'import sys; print(sys.executable)') ||
		skip "python3 does not run"
}

# soon COMMAND...: waits until it is true, for some seconds.
soon() {
	local i
	for ((i = 0; i < ${soon_tries:-150}; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

# start NAME COMMAND...: in the background, on tarn; its id is in `pid`.
start() {
	local name=$1
	shift
	LD_PRELOAD=$TARN_SO "$@" >"$name.out" 2>"$name.err" </dev/null &
	pid=$!
	started+=($pid)
}

# launch NAME COMMAND...: the same, not on tarn.
launch() {
	local name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null &
	pid=$!
	started+=($pid)
}

# finish PID: ends it, and waits.
finish() {
	kill "$1" 2>/dev/null
	soon_tries=100 soon is_gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

is_gone() {
	local state
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	test -z "$state" -o "$state" = Z
}

# children PID: those of all its threads; zombies are among them.
children() {
	cat "/proc/$1/task/"*/children 2>/dev/null | tr -d '\n'
}

has_no_copy() {
	local child
	for child in $(children "$1"); do
		! grep -q tarn-copy "/proc/$child/comm" 2>/dev/null || return
	done
}

# doubtful FLAGS FILE: the looks in FILE that have other doubts. Where they stopped
# the process for 50 ms the machine was too busy to stop its threads sooner.
doubtful() {
	grep -v " flags $1 " "$2" |
		grep -vE ' stopped_us ([5-9]|[1-9][0-9]+)[0-9]{4} '
}

# picture PID: what must be the same before and after.
picture() {
	grep -E '^(Sig[^Q]|Shd|TracerPid|Uid|Seccomp:|NoNewPrivs)' "/proc/$1/status"
	cat "/proc/$1/task/"*/status 2>/dev/null | grep ^SigBlk | sort | uniq -c
	echo "descriptors $(ls "/proc/$1/fd" | wc -l)"
	echo "threads $(ls "/proc/$1/task" | wc -l)"
	echo "children $(children "$1" | wc -w)"
	ls -l "/proc/$1/fd" | grep -c memfd:tarn
}

looks_like() {
	picture "$1" >picture.now
	cmp -s picture.now "$2"
}

# unchanged NAME PID FILE: the process looks as it did when `picture` wrote FILE.
unchanged() {
	soon looks_like "$2" "$3" && return
	diff "$3" picture.now >picture.diff
	fail "$1: the process is not as it was before" picture.diff
}
