#!/bin/bash
# signals.sh: a signal to the program or to the command ends the program as it
# would without tarn, and its report comes.
. "$(dirname "$0")/cli.bash"

# Background jobs get groups of their own, and do not ignore SIGINT.
set -m

until_true() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$@" && return
		sleep 0.02
	done
	return 1
}

# send TO SIGNAL PLAY...: to the command, the program or the group of both, when
# the program is ready.
send() {
	local to=$1 signal=$2 command program
	shift 2
	last="send $to $signal: play lose $* wait"
	rm -f out
	"$TARN" run --leaks "$play" lose "$@" wait >out 2>err </dev/null &
	command=$!
	until_true grep -qs '^ready$' out || fail "it does not start" "$last"
	program=$(sed -n "s/ .*//; p; q" "/proc/$command/task/$command/children")
	case $to in
	command) kill -s "$signal" $command ;;
	program) kill -s "$signal" "$program" ;;
	group) kill -s "$signal" -- -$command ;;
	esac
	until_true eval "! kill -0 $program" 2>/dev/null || {
		fail "the program does not end" "$last"
		kill -KILL "$program"
	}
	wait $command
	result=$?
}

test -r /proc/self/task/self/children || test -r "/proc/$$/task/$$/children" ||
	skip "the kernel does not tell children"

{
	for to in command program group; do
		# Those that would end it without a word.
		for signal in TERM INT HUP; do
			send $to $signal
			ends $((128 + $(kill -l $signal)))
			says 'leaks of play .*: 1 block lost'
			says_not 'no report'
			# Its own handler decides.
			send $to $signal handle "$(kill -l $signal)"
			ends $((40 + $(kill -l $signal)))
			says 'leaks of play .*: 1 block lost'
			is_true "the handler of SIG$signal ran" \
				grep -qx "got $(kill -l $signal)" out
		done
		for signal in USR1 USR2 QUIT; do
			send $to $signal
			ends $((128 + $(kill -l $signal)))
			says 'no report of .*: it was killed by signal'
			send $to $signal handle "$(kill -l $signal)"
			ends $((40 + $(kill -l $signal)))
			says 'leaks of play .*: 1 block lost'
		done
	done
	send program KILL
	ends 137
	says 'no report of .*: it was killed by signal 9 \(Killed\)'
} 2>shell_says

# Ignored at the start, as nohup(1) does it, they stay so.
nohup_play() {
	last="$*"
	bash -c 'trap "" HUP INT TERM; "$@" 2>err; exit $?' - "$@" >out </dev/null
	result=$?
}
nohup_play "$TARN" run --leaks "$play" lose raise 1 raise 2 raise 15 exit
ends 3
says 'leaks of play .*: 1 block lost'

# The status is the program's also when SIGCHLD is ignored.
last="SIGCHLD ignored"
bash -c 'trap "" CHLD; "$@" 2>err; exit $?' - "$TARN" run --leaks "$play" \
	lose status 9 >out
result=$?
ends 9

# Nobody reads what is written.
"$TARN" run --leaks "$play" lose sleep status 9 2>&1 >/dev/null | true
is "status when nobody reads" "${PIPESTATUS[0]}" 9

# Ctrl-C in a terminal: what it runs gets it, the command waits and reports.
cat >terminal.py <<'END'
import os, pty, sys

key, command = sys.argv[1].encode().decode("unicode_escape"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b""
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:
        break
    if not read:
        break
    if b"ready" not in seen and b"ready" in seen + read:
        os.write(terminal, key.encode())
    seen += read
status = os.waitpid(pid, 0)[1]
sys.stdout.write(seen.decode().replace("\r\n", "\n"))
sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status)
         else os.WEXITSTATUS(status))
END

# type KEY COMMAND...: in a terminal of its own, when it says "ready".
type_key() {
	last="type $*"
	timeout 30 python3 terminal.py "$@" >err 2>out </dev/null
	result=$?
}
if python3 -c 'import pty' 2>/dev/null; then
	type_key '\x03' "$TARN" run --leaks "$play" lose wait
	ends 130
	says 'leaks of play .*1 block lost'
	says_not 'no report'
	type_key '\x03' "$TARN" run --leaks "$play" lose handle 2 wait
	ends 42
	says 'leaks of play .*1 block lost' 'got 2'
	type_key '\x1c' "$TARN" run --leaks "$play" lose wait
	ends 131
	says 'no report of .*: it was killed by signal 3 \(Quit\)'
	# Under a shell, which waits for it too.
	type_key '\x03' bash -c '"$@"; echo "status $?"' - \
		"$TARN" run --leaks "$play" lose handle 2 wait
	says 'leaks of play .*1 block lost' '^status 42'
	# Colours are for terminals, and if nobody objects.
	type_key x "$TARN" run --leaks "$play" lose say ready exit
	ends 3
	says $'\033\\[1m.*leaks of play'
	type_key x "$TARN" run --leaks --no-color "$play" lose say ready exit
	says_not $'\033'
	NO_COLOR=1 type_key x "$TARN" run --leaks "$play" lose say ready exit
	says_not $'\033'
	NO_COLOR='' type_key x "$TARN" run --leaks "$play" lose say ready exit
	says $'\033'
	TERM=dumb type_key x "$TARN" run --leaks "$play" lose say ready exit
	says_not $'\033'
fi

finish
