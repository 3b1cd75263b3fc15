#!/bin/bash
# demo.sh [BUILD-DIRECTORY]: runs real programs on tarn and shows where their memory
# was at their end, and that it was tarn that gave it. Without an argument the library
# is $TARN_SO. What is not installed is left out.
set -u
export LC_ALL=C
unset LD_PRELOAD TARN_CONF
here=$(dirname "$0")
top_srcdir=${top_srcdir:-$here/../..}
CC=${CC:-cc}
test $# = 0 || TARN_SO=$1/.libs/libtarn.so
if ! test -f "${TARN_SO-}"; then
	echo "demo.sh: no library ${TARN_SO:-(TARN_SO is not set)}" >&2
	exit 1
fi
TARN_SO=$(cd "$(dirname "$TARN_SO")" && pwd)/$(basename "$TARN_SO")
tarn_file=$(readlink -f "$TARN_SO")
headers=$(cd "$top_srcdir/src" && pwd)

work=$(mktemp -d) || exit 1
server=
clean_up() {
	test -z "$server" || kill "$server" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1
failed=0

bold='' plain=''
if test -t 1 && test -z "${NO_COLOR-}"; then
	bold=$'\e[1m' plain=$'\e[0m'
fi
title() {
	printf '\n%s%s%s\n\n' "$bold" "$1" "$plain"
}

# -- one program, one row of the table --------------------------------------------

row='%-8s %-31s %8s %8s %8s %8s %8s %8s\n'

# start COMMAND...: on tarn, as process $pid.
start() {
	: >stats
	LD_PRELOAD=$TARN_SO TARN_CONF=stats:json "$@" >output 2>stats </dev/null &
	pid=$!
}

# is_mapped PID: the kernel has tarn among what it has mapped for the process.
is_mapped() {
	until grep -qs "$tarn_file" "/proc/$1/maps"; do
		kill -0 "$1" 2>/dev/null || return 1
	done
}

# field NAME: from the line of statistics that process $pid has left.
field() {
	sed -n "s/^{.*\"pid\":$pid,.*\"$1\":\([0-9]*\)[,}].*/\1/p" stats
}

# mebibytes BYTES [SCALE]
mebibytes() {
	awk -v bytes="$1" -v scale="${2-1}" \
		'BEGIN { printf "%.1f", bytes * scale / 1048576 }'
}

# watch_peak PID: leaves in $peak the most KiB the process had resident, as far as
# the kernel said before it ended.
watch_peak() {
	local line
	peak=0
	while line=$(grep -s VmHWM "/proc/$1/status"); do
		peak=$(tr -cd 0-9 <<<"$line")
		sleep 0.02
	done
}

# finish NAME WHAT: waits for process $pid and shows what it has left.
finish() {
	local status
	watch_peak "$pid"
	wait "$pid"
	status=$?
	if test $status != 0 || test -z "$(field live_bytes)" ||
		! test -f mapped; then
		printf '%-8s FAILED: exit status %d\n' "$1" $status
		tail -n 5 stats
		failed=1
		return
	fi
	# shellcheck disable=SC2059
	printf "$row" "$1" "$2" "$(field live_blocks)" \
		"$(mebibytes "$(field live_bytes)")" \
		"$(mebibytes "$(field mapped_bytes)")" \
		"$(mebibytes "$(field resident_bytes)")" \
		"$(mebibytes "$peak" 1024)" "$pid"
}

# show NAME WHAT COMMAND...
show() {
	local name=$1 what=$2
	shift 2
	if ! command -v "$1" >/dev/null; then
		printf '%-8s not installed\n' "$name"
		return
	fi
	rm -f mapped
	start "$@"
	is_mapped "$pid" && : >mapped
	finish "$name" "$what"
}

# -- what the programs do -----------------------------------------------------------

cat >work.py <<'END'
import threading
def work(n):
    table = {}
    for i in range(60000):
        table[i * 7919 % 10007] = [str(i)] * (i % 20)
    kept.append(table)
kept = []
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
END
cat >work.pl <<'END'
my %words;
push @{ $words{ $_ * 7919 % 10007 } }, 'x' x ($_ % 300) for 1 .. 200000;
print scalar(grep { join('', @$_) =~ /(x{7})+/ } values %words), "\n";
END
cat >work.sql <<'END'
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
	INSERT INTO t SELECT i, 'name ' || i * 7919 % 100003 FROM n;
CREATE INDEX by_name ON t(name);
SELECT count(DISTINCT name) FROM t;
END
cat >work.cpp <<'END'
#include <iostream>
#include <map>
#include <regex>
#include <string>
int main()
{
	std::map<std::string, int> counts;
	std::string text = "to be or not to be";
	std::regex word("[a-z]+");
	for (std::sregex_iterator i(text.begin(), text.end(), word), end;
	     i != end; ++i)
		counts[i->str()]++;
	std::cout << counts.size() << '\n';
}
END
cat >work.js <<'END'
const { Worker, isMainThread } = require("worker_threads");
const zlib = require("zlib");
const kept = [];
for (let i = 0; i < 400; i++)
	kept.push(zlib.deflateSync(Buffer.alloc(20000 + i, i)));
if (isMainThread)
	for (let i = 0; i < 3; i++)
		new Worker(__filename);
END
cat >work.rb <<'END'
table = {}
100_000.times { |i| table[i * 7919 % 10_007] = "x" * (i % 500) }
puts table.size
END
cat >work.php <<'END'
<?php
for ($i = 0; $i < 200000; $i++)
	$table[$i * 7919 % 10007] = str_repeat("x", $i % 300);
echo count($table), "\n";
END
seq 1 400000 | awk '{ print $1 * 7919 % 100003, $1 }' >numbers

make_history() {
	awk 'BEGIN {
		for (i = 1; i <= 400; i++) {
			print "commit refs/heads/main"
			print "committer C <c@example.org> " 1000000000 + i " +0000"
			print "data 7\nchange\n"
			text = ""
			for (l = 0; l < 300; l++)
				text = text "line " l * i % 91 "\n"
			print "M 644 inline file" i % 9 "\ndata " length(text)
			print text
		}
	}'
}

show_git() {
	git init -q -b main repository 2>/dev/null &&
		make_history | git -C repository fast-import --quiet
	show git "history of 400 commits" git -C repository --no-pager log -p
}

show_java() {
	cat >Work.java <<'END'
public class Work {
	public static void main(String[] args) throws Exception {
		Thread[] threads = new Thread[50];
		for (int i = 0; i < threads.length; i++)
			(threads[i] = new Thread(() -> { byte[] b = new byte[99999]; }))
				.start();
		for (Thread thread : threads)
			thread.join();
	}
}
END
	show java "compiles and runs 50 threads" java -Xmx64m -XX:+UseSerialGC \
		-XX:-UsePerfData Work.java
}

show_redis() {
	local i
	if ! command -v redis-server redis-benchmark >/dev/null; then
		printf '%-8s not installed\n' redis
		return
	fi
	rm -f mapped
	start redis-server --port 0 --unixsocket "$work/socket" --save ''
	server=$pid
	for ((i = 0; i < 100; i++)); do
		test -S socket && break
		sleep 0.1
	done
	is_mapped "$pid" && : >mapped
	redis-benchmark -s "$work/socket" -n 20000 -r 20000 -d 300 -P 16 -q \
		-t set,get,lpush,hset >benchmark 2>&1
	kill "$pid"
	finish redis "80000 requests, then SIGTERM"
	server=
}

# -- the show ---------------------------------------------------------------------

title "Programs of this system, on $TARN_SO"
# shellcheck disable=SC2059
printf "$row" program "what it does" blocks live mapped resident peak process
# shellcheck disable=SC2059
printf "$row" "" "" "" MiB MiB MiB MiB ""

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
cxx=$(g++ -print-prog-name=cc1plus 2>/dev/null)
multiarch=$(g++ -print-multiarch 2>/dev/null)
export PYTHONMALLOC=malloc
show python3 "4 threads, objects by malloc" "${python:-python3}" work.py
show perl "arrays, regular expressions" perl work.pl
show_git
show "g++" "compiles <map> and <regex>" "${cxx:-cc1plus}" -quiet -O2 \
	${multiarch:+-imultiarch "$multiarch"} -D_GNU_SOURCE work.cpp -o work.s
show sqlite3 "300000 rows and an index" sqlite3 :memory: '.read work.sql'
show sort "400000 lines, 2 threads" sort --parallel=2 numbers
show_redis
show node "4 threads that compress" node work.js
show_java
show ruby "hash of strings" ruby work.rb
show php "array; plugins by dlopen" php work.php

cat <<'END'

Each row is what tarn itself said when that process ended: blocks and bytes still
live, memory mapped, and what of it was resident. The peak is that of the whole
process, as the kernel said shortly before its end. For each, the kernel listed
libtarn.so among what it had mapped.
END

title "TARN_CONF=stats:true LD_PRELOAD=libtarn.so perl ..."
if command -v perl >/dev/null; then
	TARN_CONF=stats:true LD_PRELOAD=$TARN_SO perl work.pl 2>&1 >output |
		sed 's/^/    /'
fi

title "A program of one's own: cc example.c -ltarn"
cat >example.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <tarn.h>

int main(void)
{
	struct tarn_stats before, after;
	tarn_stats_get(&before, sizeof(before));
	void *block = malloc(1000000);
	tarn_stats_get(&after, sizeof(after));
	printf("tarn %s: malloc(1000000) made it %llu bytes more\n",
	       tarn_version(),
	       (unsigned long long)(after.live_bytes - before.live_bytes));
	free(block);
	return 0;
}
END
sed 's/^/    /' example.c
echo
# shellcheck disable=SC2086
if $CC -I"$headers" -o example example.c -L"$(dirname "$TARN_SO")" -ltarn \
	-Wl,-rpath,"$(dirname "$TARN_SO")" && ./example >output; then
	sed 's/^/    /' output
else
	echo "FAILED: example.c"
	failed=1
fi

title "A leaked cycle: tarn run --leaks ./leaky"
tarn=$top_builddir/tarn
if ! test -x "$tarn"; then
	echo "Left out: the command needs libdw-dev, libjansson-dev and a C++ compiler."
elif $CC -g -O1 -o leaky "$top_srcdir/examples/leaky.c" &&
	"$tarn" run --leaks --output report -- ./leaky >output; then
	sed 's/^/    /' output report
	grep -q 'cycle: .*blocks' report && grep -q 'leaky\.c:[0-9]' report || {
		echo "FAILED: no cycle was named in examples/leaky.c"
		failed=1
	}
	echo
	echo "Which pointer of examples/leaky.c keeps the cycle, and what to do:"
	echo "\`man man/tarn.7\`, TUTORIAL."
else
	echo "FAILED: examples/leaky.c"
	failed=1
fi

title "A running service, three leaks: tarn leaks PID --growing"
# diagnose PID: asks the service, which was merely started on tarn.
diagnose() {
	"$tarn" ls
	"$tarn" stat "$1"
	echo
	"$tarn" leaks "$1" --growing --interval=3 --html service.html ||
		return 1
	"$tarn" leaks "$1" --growing --interval=3 >found || return 1
	sed 's/^/    /' found
	grep -q 'cycle: ' found && grep -q 'lost: ' found &&
		grep -q 'growing: ' found && grep -q 'service\.c:[0-9]' found
}
if ! test -x "$tarn"; then
	echo "Left out: the command was not built."
elif $CC -g -O1 -pthread -o service "$top_srcdir/examples/service.c"; then
	LD_PRELOAD=$TARN_SO ./service --load >output &
	service=$!
	sleep 2
	diagnose $service || {
		echo "FAILED: the leaks of examples/service.c were not named"
		failed=1
	}
	cp service.html "$top_builddir" 2>/dev/null &&
		echo "The same as a page: $top_builddir/service.html"
	kill $service
	wait $service 2>/dev/null
else
	echo "FAILED: examples/service.c"
	failed=1
fi
echo
exit $failed
