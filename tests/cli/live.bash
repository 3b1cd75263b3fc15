# live.bash: what the scripts share that look at running processes.

has python3 || skip "python3 is not installed"
build "$here/serve.c" serve || {
	cat build.err
	exit 1
}

# All that start() has started ends with the test.
mkfifo never
exec 9<>never
all_started=()
trap 'test "$BASHPID" != $$ || { kill_all; rm -rf "$work"; }' EXIT

kill_all() {
	test ${#all_started[@]} = 0 || kill -KILL "${all_started[@]}"
	wait
} 2>/dev/null

until_true() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$@" && return
		sleep 0.02
	done
	return 1
}

# start COMMAND...: in the background, as $started, until it is ready.
start() {
	: >ready
	(exec "$@") <&9 >ready 2>started.err &
	started=$!
	all_started+=("$started")
	until_true grep -qs '^ready$' ready ||
		fail "it does not start: $*" "$(cat started.err)"
}

# stop PID: it ends; false if it has before.
stop() {
	kill -KILL "$1" && ! wait "$1"
} 2>/dev/null

# To run as another user, with nothing of his own.
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# Whether that can be; then copies that he can read are here.
can_be_nobody() {
	test "$(id -u)" = 0 && "${nobody[@]}" true 2>/dev/null || return 1
	chmod 755 "$work"
	cp "$TARN" tarn
	cp "$TARN_SO" libtarn.so
	chmod 755 tarn libtarn.so serve
	"${nobody[@]}" ./tarn --version >/dev/null 2>&1
}
