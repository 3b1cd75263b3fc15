#!/bin/bash
# environment.sh: what the command adds to the environment, and leaves as it is:
# the variables, the streams, the folders for temporary files.
. "$(dirname "$0")/cli.bash"

# shows: the value that the program has shown last.
shows() {
	sed -n '$p' out
}

# --- variables -----------------------------------------------------------

tarn run "$play" show LD_PRELOAD
first=$(shows)
is_true "LD_PRELOAD is $first" grep -q '^/.*libtarn\.so' <<<"$first"
tarn run "$play" show TARN_CONF
is "TARN_CONF without options" "$(shows)" "(none)"
tarn run "$play" show TARN_REPORTS
is "TARN_REPORTS without --leaks" "$(shows)" "(none)"

libm=$($CC -print-file-name=libm.so.6)
export LD_PRELOAD=$libm
tarn run "$play" show LD_PRELOAD
is "LD_PRELOAD with another library" "$(shows)" "$first:$libm"
tarn run --leaks "$play" lose show LD_PRELOAD
is "LD_PRELOAD with --leaks" "$(shows)" "$first:$libm"
says 'leaks of play'
export LD_PRELOAD="$libm $libm"
tarn run "$play" show LD_PRELOAD
is "LD_PRELOAD with blanks" "$(shows)" "$first:$libm $libm"
unset LD_PRELOAD
LD_PRELOAD='' tarn run "$play" show LD_PRELOAD
is "empty LD_PRELOAD" "$(shows)" "$first"

TARN_CONF=decay:5s tarn run "$play" show TARN_CONF
is "TARN_CONF" "$(shows)" "decay:5s"
TARN_CONF=decay:5s tarn run --leaks "$play" lose show TARN_CONF
is "TARN_CONF with --leaks" "$(shows)" "decay:5s,leaks:true,sites:all"
says 'leaks of play'
says_not 'option'
TARN_CONF=leaks:false,sites:off tarn run --leaks "$play" lose
says 'leaks of play' 'lose_block'
tarn run --leaks --sites=off "$play" lose show TARN_CONF
is "TARN_CONF with --sites" "$(shows)" "leaks:true,sites:off"
says 'leaks of play' 'where it was allocated is not known'
tarn run --sites=sampled "$play" show TARN_CONF
is "TARN_CONF with --sites, without --leaks" "$(shows)" "sites:sampled"
TARN_CONF=stats:true tarn run --leaks "$play" lose
says 'leaks of play'
is_true "TARN_CONF=stats:true has no effect" test "$(wc -l <err)" -gt 20

# Those of a run in which this one is nested are not taken for its own.
TARN_REPORTS=/nowhere TARN_REPORTS_PID=1 tarn run --leaks "$play" lose
says 'leaks of play .*: 1 block lost'
tarn run --leaks "$TARN" run --leaks "$play" lose
ends 0
is "reports of a run in a run" "$(grep -c 'leaks of play' err)" 1
TARN_REPORTS_PID=1 tarn run "$play" show TARN_REPORTS_PID
is "TARN_REPORTS_PID" "$(shows)" "(none)"
other=$(env | grep -v -E '^(_|LD_PRELOAD|SHLVL|PWD|OLDPWD)=' | sort)
tarn run env
is "the rest of the environment" "$(grep -v -E \
	'^(_|LD_PRELOAD|SHLVL|PWD|OLDPWD)=' out | sort)" "$other"

# By a link to it elsewhere it finds its library too.
ln -s "$TARN" link
last="a link to the command"
is_true "$last" eval './link run ./play say hello | grep -q hello'

# --- streams ---------------------------------------------------------------

run lose say hello exit
is "stdout of the program" "$(cat out)" hello
last="standard input of the program"
is "$last" "$(echo text | "$TARN" run --leaks cat 2>/dev/null)" text
is "$last without --leaks" "$(echo text | "$TARN" run cat)" text

last="closed streams"
"$TARN" run --leaks "$play" lose status 9 <&- >out 2>err
result=$?
ends 9
says 'leaks of play'
"$TARN" run --leaks "$play" lose status 9 >&- 2>err
result=$?
ends 9
says 'leaks of play'
"$TARN" run --leaks -o report.txt "$play" lose status 9 <&- >&- 2>&-
result=$?
ends 9
is_true "no report with all streams closed" grep -q 'leaks of play' report.txt
"$TARN" run --leaks "$play" lose status 9 2>&-
result=$?
is_true "status $result without stderr" test $result = 9 -o $result = 125
"$TARN" run --leaks --json -o - "$play" lose status 9 <&- 2>&- >out
result=$?
ends 9
is_true "the report on stdout, stdin and stderr closed" \
	grep -q '"program": "play"' out
# The report is the command's, not of a program that has closed its streams.
tarn run --leaks sh -c "exec >&- 2>&- <&-; exec '$play' lose status 9"
ends 9
says 'leaks of play'

# --- the private folder ----------------------------------------------------

tarn run --leaks "$play" show TARN_REPORTS
is_true "the folder is $(shows)" grep -q "^$TMPDIR/tarn\......." out
is_true "the folder is still there" eval '! test -e "$(shows)"'
tarn run --leaks sh -c 'stat -c %a "$TARN_REPORTS"'
is "the folder's rights" "$(cat out)" 700
mkdir runtime
XDG_RUNTIME_DIR=$work/runtime tarn run --leaks "$play" show TARN_REPORTS
is_true "XDG_RUNTIME_DIR" grep -q "^$work/runtime/tarn\." out
is "left in XDG_RUNTIME_DIR" "$(ls -A runtime)" ""
XDG_RUNTIME_DIR=/nowhere tarn run --leaks "$play" show TARN_REPORTS
is_true "XDG_RUNTIME_DIR that is not there" grep -q "^$TMPDIR/tarn\." out
TMPDIR='' tarn run --leaks "$play" show TARN_REPORTS
is_true "no TMPDIR" grep -q '^/tmp/tarn\.' out

TMPDIR=/nowhere tarn run --leaks "$play" say "it was run"
ends 125
says '^tarn: cannot make a directory in /nowhere: No such file'
is "it was run" "$(cat out)" ""
TMPDIR=/nowhere tarn run "$play" say "it was run"
ends 0
# Root writes everywhere but there.
TMPDIR=/proc tarn run --leaks "$play"
ends 125
says '^tarn: cannot make a directory in /proc'
mkdir "tmp dir, with: blanks"
TMPDIR="$work/tmp dir, with: blanks" tarn run --leaks "$play" lose exit
ends 3
says 'leaks of play'

# Gone in any case.
run raise 9
run raise 15
run status 1
tarn run --leaks /nowhere/program
tarn run --leaks -o /dev/full "$play" lose
ends 125
tarn run --leaks --suppressions /nowhere/supp "$play"
run leave sleep # a child writes there later
set -m
for signal in INT TERM HUP QUIT; do
	for to in '' -; do
		rm -f out
		"$TARN" run --leaks "$play" wait >out 2>err &
		command=$!
		for ((i = 0; i < 500; i++)); do
			grep -qs ready out && break
			sleep 0.02
		done
		kill -s $signal -- $to$command
		wait $command
	done
done 2>shell_says

# A program that changes its directory, its rights and its limits.
tarn run --leaks sh -c 'cd / && umask 777 && exec '"'$play' lose exit"
ends 3
says 'leaks of play'
tarn run --leaks sh -c 'ulimit -n 12; exec '"'$play' lose exit"
ends 3
says 'leaks of play'

finish
