# lib.sh: what the scripts of tests/programs share. Each runs real programs once
# as they are and once preloaded, and compares what they print.
#
# make starts them with the variables named in Makefile.am; by hand it is
# TARN_SO=/path/to/libtarn.so bash tests/programs/NAME.sh
# and options in TARN_CONF hold for what is preloaded.

# A bound on what hangs, far above what any of these takes.
if test -z "${programs_bounded-}"; then
	programs_bounded=1 exec timeout -k 10 900 bash "$0" "$@"
fi

set -u
export LC_ALL=C TZ=UTC
conf=stats:json${TARN_CONF:+,$TARN_CONF}
unset LD_PRELOAD TARN_CONF MAKEFLAGS MAKELEVEL MFLAGS
CC=${CC:-cc}
CXX=${CXX:-c++}
mode=plain
servers=

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "FAILED: $*"
	exit 1
}

# need PROGRAM...: skips the test if one of them is not there.
need() {
	local program
	PATH=$PATH:/usr/sbin:/sbin
	for program; do
		command -v "$program" >/dev/null ||
			skip "$program is not installed"
	done
}

# need_python: sets python to the interpreter itself, not a script in front of it.
need_python() {
	need python3
	export PYTHONHASHSEED=0 PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1
	python=$(python3 -c 'import sys; print(sys.executable)') ||
		skip "python3 does not run"
}

test -n "${TARN_SO-}" || skip "no shared library in this build"
test -f "$TARN_SO" || fail "no such file: TARN_SO=$TARN_SO"
tarn_file=$(readlink -f "$TARN_SO")

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
input=$work/input
mkdir "$input"

# run MODE COMMAND...: in a fresh directory, $work/run; its output is left in
# $work/MODE.out and .err. COMMAND may be a function; what that starts is
# preloaded. What each preloaded program ends with is a line on stderr.
run() {
	local status
	mode=$1
	shift
	rm -rf "$work/run"
	mkdir "$work/run"
	(
		cd "$work/run" || exit 1
		trap stop_servers EXIT
		if test "$mode" = tarn; then
			export LD_PRELOAD=$TARN_SO TARN_CONF=$conf
		fi
		"$@"
	) >"$work/$mode.out" 2>"$work/$mode.err" </dev/null
	status=$?
	mode=plain
	return $status
}

show() {
	echo "--- the end of $1:"
	tail -n 30 "$work/$1" | cut -c 1-300
}

# same_output COMMAND...: succeeds if COMMAND prints something and exits with 0,
# and does the same preloaded; else ends the test.
same_output() {
	local status
	run plain "$@"
	status=$?
	if test $status != 0 || ! test -s "$work/plain.out"; then
		show plain.out
		show plain.err
		fail "$*: exit status $status without tarn, so nothing to compare"
	fi
	run tarn "$@"
	status=$?
	if test $status != 0; then
		show tarn.out
		show tarn.err
		fail "$*: exit status $status when preloaded, 0 without"
	fi
	if ! cmp -s "$work/plain.out" "$work/tarn.out"; then
		diff "$work/plain.out" "$work/tarn.out" | head -n 30 |
			cut -c 1-300
		show tarn.err
		fail "$*: prints something else when preloaded"
	fi
	if grep -a '^tarn: ' "$work/tarn.err"; then
		fail "$*: tarn complains"
	fi
}

# served PROGRAM...: each was among those that the last same_output ran on tarn.
served() {
	local program
	for program; do
		grep -aq "\"program\":\"$program\",\"pid\":[0-9]*,.*}\$" \
			"$work/tarn.err" && continue
		show tarn.err
		fail "no statistics of $program: it did not run on tarn"
	done
}

# is_served PID: on tarn if and only if it should be, says what the kernel has
# mapped for it.
is_served() {
	local mapped=plain
	grep -q "$tarn_file" "/proc/$1/maps" && mapped=tarn
	test $mapped = "$mode" ||
		fail "process $1 runs $mapped instead of $mode"
}

# start COMMAND...: a server, stopped when the run ends; its process is $server,
# its standard output is server.log.
start() {
	"$@" >>server.log &
	server=$!
	servers="$servers $server"
}

# until_true COMMAND...: waits until COMMAND succeeds, while $server lives.
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return
		if ! kill -0 "$server" 2>/dev/null; then
			cat server.log >&2
			fail "the server has ended"
		fi
		sleep 0.1
	done
	cat server.log >&2
	fail "waited in vain for: $*"
}

# stop: asks $server to end, and returns its exit status.
stop() {
	local i
	kill -TERM "$server" 2>/dev/null
	for ((i = 0; i < 300; i++)); do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$server" 2>/dev/null
	wait "$server"
}

stop_servers() {
	for server in $servers; do
		kill -0 "$server" 2>/dev/null && stop
	done
	servers=
}
