#!/bin/bash
# statuses.sh: with what the command ends, and what it says of what it cannot do.
. "$(dirname "$0")/cli.bash"

# --- the program's own ---------------------------------------------

for n in 0 1 23 42 125 255; do
	run status $n
	ends $n
	tarn run "$play" status $n
	ends $n
	is "tarn run without --leaks says something" "$(cat err)" ""
done

# --- findings --------------------------------------------------------

# expect STATUS WORDS PLAY...: with --fail-on=WORDS; 3 is that of play.
expect() {
	local expected=$1 words=$2
	shift 2
	tarn run --leaks --fail-on="$words" -o report.txt "$play" "$@" exit
	ends "$expected"
}
expect 23 lost lose
expect 3 lost ring
expect 3 lost hide
expect 3 lost
expect 23 cycle ring
expect 3 cycle lose
expect 3 cycle hide
expect 23 possible hide
expect 3 possible lose ring
expect 23 lost,cycle lose
expect 23 lost,cycle ring
expect 3 lost,cycle hide
expect 23 possible,cycle,lost hide
run lose ring hide exit
ends 3
# A child's findings count.
expect 23 lost child lose
# The signal is more than the findings.
tarn run --leaks --fail-on=lost -o report.txt "$play" lose raise 15
ends 143
# Who asks and gets no answer is told so.
tarn run --leaks --fail-on=lost "$play" lose exit_group
ends 125
says 'no report of .*/play \(pid [0-9]+\): it ended, with status 8'
tarn run --leaks --fail-on=lost "$play" child status 5
ends 7

# --- signals ---------------------------------------------------------

run lose raise 11
ends 139
says 'no report of .*/play \(pid [0-9]+\): it was killed by signal 11 \(Seg'
run lose wild
ends 139
says 'killed by signal 11 \(Segmentation fault\)'
run lose raise 9
ends 137
says 'no report of .*: it was killed by signal 9 \(Killed\) before it could'
tarn run "$play" raise 9
ends 137
run lose raise 15
ends 143
says 'leaks of play .*: 1 block lost'
says_not 'no report'

# --- programs that it cannot work in ---------------------------------

# refuses STATUS FILE REGEX: with --leaks and without.
refuses() {
	tarn run --leaks "$2" say "it was run"
	ends "$1"
	says "$3"
	is "$2 was run" "$(cat out)" ""
	is "tarn says more than a line of $2" "$(wc -l <err)" 1
	tarn run "$2" say "it was run"
	ends "$1"
	says "$3"
}

# patched NAME OFFSET OCTAL...: play with other bytes there.
patched() {
	cp "$play" "$1"
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

if build "$here/play.c" static -static; then
	refuses 125 ./static 'static is statically linked'
	printf '#!%s/static\n' "$work" >script_of_static
	chmod +x script_of_static
	refuses 125 ./script_of_static 'static is statically linked'
fi
patched other_class 4 '\0001'
refuses 125 ./other_class 'other_class is not a 64-bit program of this machine'
patched other_machine 18 '\0002\0000' # SPARC
refuses 125 ./other_machine 'other_machine is not a 64-bit program of this mac'
if build "$here/play.c" bits32 -m32; then
	refuses 125 ./bits32 'bits32 is not a 64-bit program of this machine'
fi
patched broken_segments 32 '\0377\0377\0377\0377\0377\0377'
refuses 126 ./broken_segments 'broken_segments is not a program'
head -c 40 "$play" >broken_header
chmod +x broken_header
refuses 126 ./broken_header 'broken_header is not a program'
$CC -c "$here/play.c" -o object.o && chmod +x object.o
refuses 126 ./object.o 'object.o is not a program'
head -c 1000 "$play" >cut_short
chmod +x cut_short
tarn run --leaks ./cut_short
test $result = 125 || test $result = 126 || show "a program cut short runs"

build "$here/play.c" other_linker -Wl,--dynamic-linker=/nowhere/ld.so
refuses 126 ./other_linker 'its interpreter /nowhere/ld.so: No such file'
build "$here/play.c" no_linker -Wl,--dynamic-linker=/etc/passwd
refuses 126 ./no_linker 'its interpreter /etc/passwd: Permission denied'

for kind in address thread leak; do
	build "$here/play.c" "with_$kind" -fsanitize=$kind || continue
	refuses 125 "./with_$kind" "is built with [A-Za-z]*Sanitizer, which has a"
done

cat >own_malloc.c <<'END'
#include <stddef.h>
static char room[1 << 20];
static size_t used;
void *malloc(size_t n) { char *p = room + used; used += (n + 15) & ~15ul; return p; }
void free(void *p) { (void)p; }
void *calloc(size_t n, size_t size) { return malloc(n * size); }
int main(void) { return malloc(3) == 0; }
END
build own_malloc.c own_malloc
refuses 125 ./own_malloc 'own_malloc has a malloc of its own'

# --- scripts ---------------------------------------------------------

script() {
	printf '%s\n' "$2" >"$1"
	chmod +x "$1"
}
script script "#!$play lose"
tarn run --leaks ./script
ends 0
says 'leaks of play .*1 block lost'
script no_interpreter '#!/nowhere/shell'
refuses 126 ./no_interpreter 'its interpreter /nowhere/shell: No such file'
script empty_interpreter '#!'
refuses 126 ./empty_interpreter 'empty_interpreter is not a program'
script itself "#!$work/itself"
refuses 126 ./itself 'itself is not a program'
# Without a first line that says it, it is one for the shell.
script for_shell 'exit 9'
tarn run --leaks ./for_shell
ends 9
# What a script starts is not looked at before; but nothing is kept quiet.
if test -x static; then
	script by_env "#!/usr/bin/env $work/static"
	tarn run --leaks ./by_env
	ends 0
	says 'no report of ./by_env .*as another program'
	tarn run --leaks --fail-on=lost ./by_env
	ends 125
fi

# --- the library -----------------------------------------------------

libm=$($CC -print-file-name=libm.so.6)
for library in /nowhere/libtarn.so /etc/passwd / "$play" "$libm"; do
	for leaks in --leaks ''; do
		tarn run $leaks --library "$library" "$play" say "it was run"
		ends 125
		is "$play ran with $library" "$(cat out)" ""
	done
done
tarn run --leaks --library /nowhere/libtarn.so "$play"
says 'cannot find the library /nowhere/libtarn.so: No such file'
tarn run --leaks --library /etc/passwd "$play"
says '/etc/passwd is no libtarn.so for this machine'
mkdir 'with space'
cp "$TARN_SO" 'with space/libtarn.so'
tarn run --leaks --library 'with space/libtarn.so' "$play"
ends 125
says 'LD_PRELOAD cannot name .*: there is a space'
cp "$TARN_SO" libtarn.so
tarn run --leaks --library libtarn.so "$play" lose exit
ends 3
TARN_LIBRARY=./libtarn.so tarn run --leaks "$play" lose exit
ends 3
TARN_LIBRARY=/nowhere tarn run --leaks "$play"
ends 125

# A program that the library cannot be loaded into, though it looks well: it
# starts another one with nothing in its environment, in the same process.
if test -x static; then
	tarn run --leaks env -i ./static say "it was run"
	ends 0
	says 'no report of env .*as another program'
fi
# And one that the dynamic linker gives up.
build "$here/play.c" unresolved -Wl,--no-as-needed -L. -ltarn -Wl,-rpath,/nowhere
if test -x unresolved; then
	patched_needs=$(grep -c libtarn.so.0 unresolved)
	is "unresolved needs libtarn.so.0" "$patched_needs" 1
	sed -i 's/libtarn\.so\.0/libnone.so.0/' unresolved
	tarn run --leaks ./unresolved
	ends 125
	says 'the library .* was not loaded into ./unresolved: there is nothing'
fi

# --- not run at all --------------------------------------------------

tarn run --leaks no-such-program
ends 127
says 'cannot run no-such-program: No such file'
refuses 127 ./no-such-file 'cannot run ./no-such-file: No such file'
refuses 126 ./ 'cannot run ./: Permission denied'
: >not_executable
refuses 126 ./not_executable 'cannot run ./not_executable: Permission denied'

# --- the command line ------------------------------------------------

# wrong REGEX ARGUMENT...: ends with 125 and says so, and that there is help.
wrong() {
	local regex=$1
	shift
	tarn "$@"
	ends 125
	says "^tarn: .*$regex.*[;?] try 'tarn --help'"
	is "tarn $* writes to stdout" "$(cat out)" ""
}
wrong 'which verb'
wrong "unknown verb 'frobnicate'" frobnicate
wrong "unknown option '--frobnicate'" --frobnicate
wrong "unknown verb 'frobnicate'" help frobnicate
wrong 'run: which program' run
wrong 'run: which program' run --leaks --
wrong "run: unknown or wrong option '--frob'" run --frob "$play"
wrong "run: unknown or wrong option '-z'" run -z "$play"
wrong "run: unknown or wrong option '--json=3'" run --leaks --json=3 "$play"
wrong "run: option '-o' needs a value" run -o
wrong "run: option '--max' needs a value" run --max
wrong "unknown value 'lots' \(known: lost, cycle, poss" \
	run --leaks --fail-on=lots "$play"
wrong "unknown value '' \(known" run --leaks --fail-on= "$play"
wrong "unknown value '' \(known" run --leaks --fail-on=lost, "$play"
wrong "unknown value 'maybe' \(known: yes, no\)" run --children=maybe "$play"
wrong "unknown value 'some' \(known: all, sampled, off\)" run --sites=some "$play"
wrong "unknown value 'xml' \(known: text, json, dot, lsan, html\)" \
	run --leaks --format=xml "$play"
wrong "unknown value 'lost' \(known: possible, foreign, all\)" \
	run --leaks --show=lost "$play"
wrong "'x1' is not a number" run --leaks --max=x1 "$play"
wrong "'-1' is not a number" run --leaks --max=-1 "$play"
wrong 'without --leaks there is nothing to report' run --fail-on=lost "$play"
wrong 'without --leaks there is nothing to report' run -o report.txt "$play"
wrong 'report: which file' report
wrong "report: unknown or wrong option '--leaks'" report --leaks file

# Before the program has run for hours.
tarn run --leaks -o /nowhere/report.txt "$play" say "it was run"
ends 125
says '/nowhere/report.txt: No such file'
is "it was run" "$(cat out)" ""
tarn run --leaks --suppressions /nowhere/supp "$play" say "it was run"
ends 125
says '/nowhere/supp: No such file'
is "it was run" "$(cat out)" ""

# Options after the program are its own.
tarn run "$play" say --leaks
ends 0
is "--leaks after the program" "$(cat out)" "--leaks"
tarn run -- "$play" say hello
is "after --" "$(cat out)" hello

tarn --version
ends 0
is_true "--version" grep -Eq '^tarn [0-9]+\.[0-9]+' out
for words in --help -h help 'help run' 'help report' 'run --help' 'report -h' \
	'help leaks' 'leaks --help'; do
	# shellcheck disable=SC2086
	tarn $words
	ends 0
	is "tarn $words writes to stderr" "$(cat err)" ""
	is_true "tarn $words has no options" grep -q -- --fail-on out
done
tarn --help
is_true "--help has long lines" test "$(wc -L <out)" -le 80
tarn_to_full() {
	"$TARN" --help >/dev/full
}
is_true "--help into a full device succeeds" eval '! tarn_to_full'

finish
