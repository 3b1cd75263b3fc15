# service.bash: what the scripts share that ask the service.

has python3 || skip "python3 is not installed"
build "$here/live/service.c" service || {
	cat build.err
	exit 1
}
pid=

stop_service() {
	test -z "$pid" || kill -KILL "$pid"
	pid=
} 2>/dev/null

trap 'test "$BASHPID" != $$ || { stop_service; rm -rf "$work"; }' EXIT

# start_service [NAME=VALUE...] PROGRAM: on tarn, as $pid; it takes words.
start_service() {
	stop_service
	rm -f to from
	mkfifo to from
	env LD_PRELOAD="$TARN_SO" "$@" <to >from &
	pid=$!
	# The shell is not to tell how it ends.
	disown "$pid"
	exec 8>to 7<from
	read -r -t 20 -u 7 answer || fail "the service does not start: $*"
}

# say WORD...: to the service; what it says is in $answer.
say() {
	echo "$*" >&8
	read -r -t 20 -u 7 answer || fail "the service does not answer: $*"
}

# leaks ARGUMENT..., who ARGUMENT...: of the service, into out and err.
leaks() {
	tarn leaks "$pid" "$@"
}
who() {
	tarn who "$pid" "$@"
}

# has_line REGEX...: each is a line, or in one, of what was shown.
has_line() {
	local regex
	for regex; do
		n_checks=$((n_checks + 1))
		grep -Eq -- "$regex" out || show "not shown: $regex"
	done
}

has_no_line() {
	n_checks=$((n_checks + 1))
	! grep -Eq -- "$1" out || show "shown: $1"
}

# json WHAT PYTHON: an expression of `j`, what was shown, that must be true.
json() {
	n_checks=$((n_checks + 1))
	python3 -c '
import json, sys
j = json.load(open("out"))
try:
    good = eval("(" + sys.argv[1] + ")")
except Exception as error:
    print(repr(error))
    good = False
sys.exit(0 if good else 1)' "$2" || show "$1: not so: $2"
}

# wrong REGEX ARGUMENT...: ends with 125, says so, and shows nothing.
wrong() {
	local regex=$1
	shift
	tarn "$@"
	ends 125
	says "^tarn: .*$regex"
	is "tarn $* writes to stdout" "$(cat out)" ""
	is "tarn $* says more than a line" "$(wc -l <err)" 1
}

# survives ARGUMENT...: so does what shows damaged answers.
survives() {
	local seed=${SEED:-$$}
	echo "seed $seed (SEED=$seed repeats this)"
	last="check $* $seed"
	"${top_builddir:-.}/tests/cli/live/check" "$@" "$seed" >out 2>err
	result=$?
	ends 0
}
