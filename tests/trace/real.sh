#!/bin/bash
# real.sh: real programs under the tracer. What they lose is known, and in
# real/known.supp; blocks that are never freed, but still held when the program
# ends, are no leak. With valgrind there, its counts are the truth: no process
# may be said to lose more blocks than valgrind finds lost or possibly lost. It
# may be less: an old pointer to a freed block holds what is now at its address,
# and valgrind does not use an address again so soon (as has such a pointer).
#
# make starts it with the variables named in Makefile.am; by hand it is
# TARN=/path/to/tarn TARN_SO=/path/to/libtarn.so bash tests/trace/real.sh
# and REAL_VALGRIND=no leaves out valgrind, which takes most of the time.

if test -z "${real_bounded-}"; then
	real_bounded=1 exec timeout -k 10 900 bash "$0" "$@"
fi

set -u
skip() {
	echo "skipped: $*"
	exit 77
}
test -n "${TARN_SO-}" || skip "no shared library in this build"
test -n "${TARN-}" || skip "no command in this build"

export LC_ALL=C TZ=UTC PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
unset LD_PRELOAD TARN_CONF TARN_LIBRARY MAKEFLAGS MAKELEVEL MFLAGS PYTHONMALLOC
unset DEBUGINFOD_URLS
PATH=$PATH:/usr/sbin:/sbin
known=$(cd "$(dirname "$0")" && pwd)/real/known.supp
work=$(mktemp -d) || exit 1
server=
trap 'test -z "$server" || kill -KILL "$server"; rm -rf "$work"' EXIT
cd "$work" || exit 1
export HOME=$work TMPDIR=$work
status=0
n_run=0

has() {
	command -v "$1" >/dev/null
}
has python3 || skip "python3 is not installed"
with_valgrind=no
test "${REAL_VALGRIND-yes}" = no || ! has valgrind || with_valgrind=yes

# fail WHAT [FILE]: goes on.
fail() {
	echo "FAILED: $1"
	test $# = 1 || head -n 150 "$2" | cut -c 1-200 | sed 's/^/  /'
	status=1
}

cat >compare.py <<'END'
"""compare.py REPORT LOG...: the blocks that tarn and valgrind find, by program."""
import collections, json, os, re, sys

ours = collections.defaultdict(lambda: [0, 0])
for process in json.load(open(sys.argv[1]))["processes"]:
    assert process["complete"] and not process["uncertain"], process["uncertain"]
    lost = process["lost"]["blocks"]
    less = process["possible"]["blocks"] + process["foreign"]["blocks"]
    our = ours[process["program"]]
    our[0] += lost
    our[1] += lost + less
theirs = collections.defaultdict(lambda: [0, 0])
for name in sys.argv[2:]:
    log = open(name, errors="replace").read()
    command = re.search(r"Command: (\S+)", log)
    def count(kind):
        found = re.search(kind + r" lost: [\d,]+ bytes in ([\d,]+) blocks", log)
        return int(found.group(1).replace(",", "")) if found else 0
    lost = count("definitely") + count("indirectly")
    their = theirs[os.path.basename(command.group(1))]
    their[0] += lost
    their[1] += lost + count("possibly")
status = 0
for program in sorted(ours):
    # Programs that are found by a link are known by other names.
    names = [name for name in theirs
             if name == program or program in name or name in program]
    if not names:
        continue
    (lost, at_most), (true, possible) = ours[program], theirs[names[0]]
    print("  %s: %d blocks lost, %d possibly; valgrind: %d, %d" % (
        program, lost, at_most - lost, true, possible - true))
    if lost > possible:
        print("  %s: blocks are said to be lost that are not" % program)
        status = 1
    if true and not at_most:
        print("  %s: nothing of what is lost was found" % program)
        status = 1
sys.exit(status)
END

# look NAME COMMAND...: what it loses is known. NAME with a "-" before is not run
# under valgrind: threads, or too long.
look() {
	local name=${1#-} is_compared=yes result options
	test "$1" = "$name" || is_compared=no
	shift
	n_run=$((n_run + 1))
	echo "$name"
	options=(run --leaks --sites=all --library "$TARN_SO")
	"$TARN" "${options[@]}" --suppressions "$known" --fail-on=lost,cycle \
		-o "$name.txt" "$@" >"$name.out" 2>"$name.err" </dev/null
	result=$?
	if test $result = 23; then
		fail "$name: findings that are not known" "$name.txt"
		return
	elif test $result != 0; then
		fail "$name: status $result" "$name.err"
		return
	fi
	test -s "$name.txt" || fail "$name: no report"
	grep -q '^  uncertain' "$name.txt" &&
		fail "$name: uncertain" "$name.txt"
	test $is_compared$with_valgrind = yesyes || return
	"$TARN" "${options[@]}" --json -o "$name.json" "$@" \
		>/dev/null 2>&1 </dev/null
	valgrind --trace-children=yes --leak-check=full --run-libc-freeres=no \
		--run-cxx-freeres=no --log-file="$name.log.%p" "$@" \
		>/dev/null 2>&1 </dev/null
	python3 compare.py "$name.json" "$name".log.* ||
		fail "$name: tarn and valgrind differ" "$name.txt"
}

# --- interpreters --------------------------------------------------------

cat >work.py <<'END'
import ast, collections, json, re
data = [{"id": i, "name": "n%d" % i, "tags": ["t"] * (i % 7)}
        for i in range(2000)]
assert json.loads(json.dumps(data)) == data
source = open(json.__file__).read()
compile(ast.parse(source), "x", "exec")
print(len(re.findall(r"\w+", source)))
class Node: pass
for i in range(1000):  # garbage in cycles, for its collector
    node = Node()
    node.self = node
keep = [Node() for i in range(1000)]
counts = collections.Counter(re.split(r"\W+", source))
print(counts.most_common(3))
END
for python in "$(python3 -c 'import sys; print(sys.executable)')" \
	/usr/bin/python3; do
	test -x "$python" || continue
	name=$(sed 's|[^a-z0-9.]|_|g' <<<"$python")
	look "-$name" "$python" work.py
	export PYTHONMALLOC=malloc
	look "$name.malloc" "$python" work.py
	unset PYTHONMALLOC
done

if has perl; then
	look perl perl -e 'my %h; for (1..3000) { $h{$_} = [1..3]; }
		my $s = join ",", map { $_ * 2 } sort keys %h;
		$s =~ s/(\d)1/$1x/g; print length($s), "\n";
		my $x; $x = \$x; my @a = map { { a => $_ } } 1..100;'
	perl -MPOSIX -MData::Dumper -e1 2>/dev/null &&
		look perl_modules perl -MPOSIX -MData::Dumper -MList::Util=sum \
			-e 'print length Dumper({map {$_ => [1..5]} 1..100}),
			sum(1..10), strftime("%Y", gmtime(0)), "\n"'
fi
for lua in lua5.4 lua; do
	has $lua || continue
	look lua $lua -e 'local t = {}
		for i = 1, 5000 do t[i] = {tostring(i), {}}; t[i][2].up = t[i] end
		table.sort(t, function(a, b) return a[1] < b[1] end)
		print(#t, string.gsub(t[1][1], "1", "2"))'
	# It ends without lua_close(): all is held still.
	look lua_exit $lua -e 'kept = {} for i = 1, 5000 do kept[i] = {i} end
		os.exit(0)'
	break
done
look bash bash -c 'f() { local i; for i in {1..20}; do a[i]=$(echo $i); done; }
	f; declare -A h; for i in {1..20}; do h[$i]=${a[i]}; done; unset a
	[[ abcabc =~ (b)(c) ]]; trap "echo end" EXIT
	echo ${#h[@]} ${h[7]//7/x} | cat'

# --- compilers -----------------------------------------------------------

cat >file.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item { int a; double b; char c[20]; };
static int f(struct item *p, int n)
{
	int r = 0;
	for (int i = 0; i < n; i++)
		r += p[i].a > 3 ? p[i].a * (int)p[i].b : (int)strlen(p[i].c);
	return r;
}
int main(void)
{
	struct item x[10] = {{0}};
	for (int i = 0; i < 10; i++)
		x[i] = (struct item){.a = i, .b = i / 2.0};
	return printf("%d\n", f(x, 10)) < 0;
}
END
if has gcc; then
	look gcc gcc -O2 -g -c file.c -o file.o
	look -gcc_link gcc -O2 file.c -o file
fi
if has g++; then
	cat >file.cpp <<-'END'
		#include <map>
		#include <string>
		#include <vector>
		std::map<int, std::vector<std::string>> table;
		void add(int n) { table[n].push_back(std::to_string(n)); }
	END
	look -g++ g++ -O1 -c file.cpp -o file.o
fi

# --- data ----------------------------------------------------------------

if has git; then
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_PAGER=cat
	export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
	export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
	git init -q repo 2>/dev/null
	for i in {1..25}; do
		echo "line $i" >>repo/file$((i % 5))
		git -C repo add -A
		git -C repo commit -q -m "commit $i"
	done
	look git_log git -C repo log -p --stat
	look git_graph git -C repo log --graph
	look git_status git -C repo status
	look git_blame git -C repo blame file2
	look git_commit git -C repo commit -q --allow-empty -m "one more"
	look git_fsck git -C repo fsck
	look -git_repack git -C repo -c pack.threads=2 repack -q -a -d -f
fi

if has sqlite3; then
	cat >work.sql <<-'END'
		CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
		WITH RECURSIVE n(i) AS
			(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
			INSERT INTO t SELECT i, 'x' || i FROM n;
		CREATE INDEX by_b ON t(b);
		SELECT count(*), max(b) FROM t WHERE b LIKE 'x1%';
		SELECT length(group_concat(b)) FROM t;
		UPDATE t SET b = b || 'y' WHERE a % 3 = 0;
		DELETE FROM t WHERE a % 7 = 0;
		VACUUM;
	END
	look sqlite sqlite3 data.db '.read work.sql'
	look sqlite_memory sqlite3 :memory: '.read work.sql'
fi

if has xmllint; then
	{
		echo '<?xml version="1.0"?><a x="1">'
		for i in {1..300}; do echo "<b id=\"$i\">text $i</b>"; done
		echo '</a>'
	} >file.xml
	look xmllint xmllint --format file.xml
	look xpath xmllint --xpath 'count(//b[@id>100])' file.xml
fi

# --- a server ------------------------------------------------------------

cli() {
	timeout 20 redis-cli -s "$work/socket" "$@" >/dev/null 2>&1
}

# serve COMMAND...: runs a server by COMMAND, uses it, and shuts it down.
serve() {
	local i
	rm -f socket
	"$@" redis-server --port 0 --unixsocket "$work/socket" --dir "$work" \
		--save '' --appendonly no --daemonize no >redis.log 2>redis.err &
	server=$!
	for ((i = 0; i < 300; i++)); do
		cli ping && break
		sleep 0.1
	done
	redis-benchmark -s "$work/socket" -n 1000 -c 10 -P 4 -q \
		-t set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset \
		>/dev/null 2>&1
	cli eval 'local n = 0 for i = 1, 2000 do n = n + #tostring(i) end
		return n' 0
	cli debug sleep 0
	cli flushall async
	cli set last word
	cli shutdown nosave
	for ((i = 0; i < 300; i++)); do
		kill -0 $server 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL $server 2>/dev/null && fail "redis: does not end" redis.log
	wait $server
	result=$?
	server=
	return $result
}

if has redis-server && has redis-cli && has redis-benchmark; then
	echo redis
	n_run=$((n_run + 1))
	serve "$TARN" run --leaks --sites=all --library "$TARN_SO" \
		--suppressions "$known" --fail-on=lost,cycle -o redis.txt ||
		fail "redis: status $?" redis.txt
	grep -q '^tarn: redis-server .*: nothing lost' redis.txt ||
		fail "redis: a report without leaks is missing" redis.txt
fi

echo "$n_run programs"
exit $status
