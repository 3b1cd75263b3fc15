#!/bin/bash
# endings.sh: however a program and its children end, there is a report of each,
# or a line that says that there is none.
. "$(dirname "$0")/cli.bash"

# --- one process -----------------------------------------------------

ways=(exit:3 _exit:4 _Exit:5 quick_exit:6 pthread_exit:0 thread_exit:14)
for way in "${ways[@]}"; do
	run lose ring "${way%:*}"
	ends "${way#*:}"
	says 'leaks of play \(pid [0-9]+\): 3 blocks lost'
	says_not 'no report'
	n_reports 1
done
run lose
ends 0
says 'leaks of play .*: 1 block lost'

run lose abort
ends 134
says 'no report of .*: it was killed by signal 6 \(Aborted\) before it could'
n_reports 0
run lose exit_group
ends 8
says 'no report of .*: it ended, with status 8, by a system call of its own'
n_reports 0

# Another program in the same process: what the first lost is gone with it.
run lose exec "$play" ring exit
ends 3
says 'leaks of play .*: 2 blocks lost' 'cycle: 2 blocks'
n_reports 1
run lose exec true
ends 0
says 'tarn: true \(pid [0-9]+\): nothing lost'
run exec /nowhere/program exit
ends 3
n_reports 1
if build "$here/play.c" static -static; then
	run lose exec ./static status 9
	ends 9
	says 'no report of .*: it ended, with status 9, .* as another program'
fi

# Nothing lost.
run
ends 0
says '^tarn: play \(pid [0-9]+\): nothing lost; [0-9]+ blocks?, .* live$'
is "one line when nothing is lost" "$(wc -l <err)" 1

# --- children --------------------------------------------------------

# A report of each, the program's own first; what was lost before the fork is
# lost in both.
run lose child lose lose exit
ends 7
n_reports 2
first=$(grep -E '^tarn: leaks' err | sed -n 1p)
other=$(grep -E '^tarn: leaks' err | sed -n 2p)
is_true "the program's own report is not the first: $first" \
	grep -q ': 1 block lost' <<<"$first"
is_true "the report of the child: $other" grep -q ': 3 blocks lost' <<<"$other"
own=$(sed 's/.*pid \([0-9]*\)).*/\1/' <<<"$first")
is_true "both have one pid: $own" eval "! grep -q \"pid $own)\" <<<'$other'"

run lose child child child exit
ends 7
n_reports 4
run child _exit
n_reports 2
run lose child exec "$play" ring exit
ends 7
says 'pid [0-9]+\): 1 block lost' 'pid [0-9]+\): 2 blocks lost'
n_reports 2
run lose spawn "$play" ring exit
ends 7
n_reports 2
says '2 blocks lost'
run lose spawn /nowhere/program
ends 7
n_reports 1
says_not 'no report'
tarn run --leaks sh -c "$play lose; $play ring; exit 5"
ends 5
n_reports 3
says 'tarn: (leaks of )?(sh|dash|bash) '

# The program alone, if so wished; not a word of its children.
for child in "child lose exit" "child exec $play lose exit" \
	"spawn $play lose exit" "child raise 9" "child child lose exit"; do
	# shellcheck disable=SC2086
	tarn run --leaks --children=no "$play" lose $child
	ends 7
	n_reports 1
	says ': 1 block lost'
	says_not 'no report'
done
tarn run --leaks --children=no sh -c "$play lose; exit 5"
ends 5
n_reports 1
tarn run --leaks --children=no --fail-on=lost "$play" child lose exit
ends 7
tarn run --leaks --children=yes "$play" child lose exit
n_reports 2

# Those that have none are told.
run lose child raise 9
ends 7
n_reports 1
says 'no report of 1 child process:'
run lose child exit_group
ends 7
says 'no report of 1 child process:'
run child lose child abort
ends 7
n_reports 2
says 'no report of 1 child process:'
# That of one which is still there comes when it ends, where it can.
run leave lose sleep
ends 0
says 'no report of 1 child process: still running'
for ((i = 0; i < 200; i++)); do
	pgrep -f "^$play leave lose sleep" >/dev/null || break
	sleep 0.05
done
is_true "the child is still there" test $i -lt 200
says 'Direct leak of [0-9]+ byte\(s\) in 1 object\(s\) allocated from:'

finish
