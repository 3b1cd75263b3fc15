#!/bin/bash
# recordings.sh: makes the recordings of the suite anew, in recordings/.
#
#	recordings.sh [BUILD]     where tarn was built (.)
#
# Inputs are generated; what is recorded depends on the versions of the programs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-.}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export LC_ALL=C PYTHONHASHSEED=0 PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3

# record NAME LIMIT PROGRAM ARGUMENT...
record() {
	local name=$1 limit=$2
	shift 2
	"$here/record" --build "$build" --limit "$limit" \
		"$here/recordings/$name.rec" "$@" >"$work/out"
	tail -n 1 "$work/out"
}

# Objects of all sizes: JSON made, read, sorted and joined.
cat >objects.py <<'END'
import json, random
random.seed(1)
words = [f"word{i}" for i in range(300)]
def thing(depth):
    if depth == 0:
        return random.choice([random.random(), random.choice(words), None, 7])
    return {random.choice(words): thing(depth - 1) for _ in range(5)}
for _ in range(12):
    text = json.dumps([thing(4) for _ in range(6)])
    again = json.loads(text)
    lines = sorted(json.dumps(part) for part in again)
    table = {line[:40]: line.split('"') for line in lines}
END
record python3 600000 $python objects.py

# Four threads that make things for each other: most are freed by another.
cat >threads.py <<'END'
import queue, random, sys, threading
sys.setswitchinterval(0.0005)
queues = [queue.Queue(200) for _ in range(4)]
def work(i):
    random.seed(i)
    for n in range(5000):
        queues[(i + 1) % 4].put(["x" * random.randrange(200), [n] * 7, {n: i}])
        if n >= 50:
            kept = queues[i].get()
workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
END
record threads 400000 $python threads.py

# A compiler: containers and templates.
cat >source.cc <<'END'
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>
template <int N> struct deep {
	std::map<int, std::vector<std::string>> m;
	deep<N - 1> next;
	int f(int x) { m[x].push_back(std::to_string(N)); return next.f(x + 1); }
};
template <> struct deep<0> { int f(int x) { return x; } };
int g(std::vector<int> &v) {
	std::sort(v.begin(), v.end(), [](int a, int b) { return b < a; });
	std::function<int(int)> h = [&](int x) { return v[x] + deep<40>().f(x); };
	return h(3);
}
END
g++ -std=c++17 -E source.cc -o source.ii
record g++ 500000 "$(g++ -print-prog-name=cc1plus)" -quiet -fpreprocessed \
	-std=c++17 -O1 source.ii -o source.s

# A database in memory: rows, an index, a query that sorts.
{
	echo "create table t (a integer primary key, b text, c real);"
	echo "begin;"
	for i in $(seq 4000); do
		echo "insert into t values ($i, 'text $((i * 7919 % 1000))', $i.5);"
	done
	echo "commit; create index i on t (b);"
	for i in $(seq 300); do
		echo "select b, count(*), max(c) from t where a % 300 = $i"
		echo "group by b order by 2 desc, b limit 3;"
	done
} >work.sql
record sqlite3 400000 sqlite3 -batch :memory: ".read work.sql"
