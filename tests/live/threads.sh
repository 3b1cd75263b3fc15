#!/bin/bash
# threads.sh: a program whose threads do all that threads do, traced again and
# again: what is held is never lost, what is lost always is, and no system call
# fails with EINTR but those that the kernel ends so whenever a thread is stopped.
#
# LIVE_SESSIONS=500 is for a long run by hand.

. "$(dirname "$0")/live.bash"
sessions=${LIVE_SESSIONS:-12}

# Nothing but a stop or a signal ends these; see signal(7), of the calls that are
# never restarted, and tarn(7). One more thread has the signal.
may_be_interrupted='recv \(SO_RCVTIMEO\)|epoll_p?wait|semtimedop|sigtimedwait'
may_be_interrupted="$may_be_interrupted|io_getevents"

# run MODE SESSIONS
run() {
	local mode=$1
	start "$mode" "$tests/threads" "$mode"
	soon grep -q ready "$mode.out" || fail "$mode: does not start" "$mode.err"
	sleep 0.3
	picture $pid >"$mode.before"
	timeout 300 "$ask" -n "$2" -k 2 -w 2 $pid >"$mode.looks" 2>&1 ||
		fail "$mode: status $?" "$mode.looks"
	soon has_no_copy $pid || fail "$mode: a copy stays"
	kill -TERM $pid
	soon is_gone $pid || fail "$mode: does not end"
	wait $pid || fail "$mode: the program failed" "$mode.err"
	doubtful - "$mode.looks" >"$mode.doubts" &&
		fail "$mode: a look was not sure" "$mode.doubts"
	echo "$mode: $(wc -l <"$mode.looks") looks, stopped for $(
		sed 's/.* stopped_us \([0-9]*\) .*/\1/' "$mode.looks" |
			sort -n | awk '{ a[NR] = $1 }
			END { print a[int((NR + 1) / 2)] " us, at most " a[NR] }')"
}

# lost MODE FROM TO: so many are lost in the last look of each session.
lost() {
	awk -v from="$2" -v to="$3" '/ look 2 / {
		for (i = 1; i < NF; i++)
			if ($i == "lost" && ($(i + 1) < from || $(i + 1) > to))
				print
	}' "$1.looks" >"$1.wrong"
	test ! -s "$1.wrong" || fail "$1: not $2 to $3 lost" "$1.wrong"
}

run calls "$sessions"
lost calls 0 0
grep -Ev "^($may_be_interrupted): |interrupted 0\$" calls.out |
	grep 'interrupted' >calls.failed
# The thread that takes the signal may be in one of these, if all are.
test ! -s calls.failed || fail "calls: EINTR without need" calls.failed
grep -q 'nanosleep: ended [1-9]' calls.out || fail "calls: none ended" calls.out

run held "$sessions"
lost held 0 0

# One that a frame of a thread that was reused still names is not lost.
run leaky "$sessions"
n=$(sed -n 's/^ready: \([0-9]*\) lost/\1/p' leaky.out)
lost leaky $((n * 95 / 100)) "$n"

exit $status
