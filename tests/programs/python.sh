#!/bin/bash
# python3, every object by malloc: containers, threads, subprocesses.
. "$(dirname "$0")/lib.sh"
need_python

cat >"$input/work.py" <<'END'
import collections, ctypes, hashlib, json, os, random, re, subprocess, sys
import threading, zlib

def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()

def churn(seed, rounds):
    rng = random.Random(seed)
    table, keep = {}, collections.deque(maxlen=500)
    for i in range(rounds):
        table[rng.randrange(4000)] = [i] * rng.randrange(1, 60)
        keep.append(bytes(rng.randrange(1, 5000)))
        if i % 3 == 0:
            table.pop(rng.randrange(4000), None)
    return digest(sorted(table.items())), sum(map(len, keep))

print(churn(1, 60000))

class Node:
    def __init__(self, other):
        self.other, self.me = other, self

node = None
for i in range(100000):
    node = Node(node if i % 10 else None)
print(isinstance(node, Node))

data = [{"id": i, "name": "n%d" % i, "tags": ["t"] * (i % 7)}
        for i in range(20000)]
text = json.dumps(data)
print(digest(json.loads(text) == data), len(text))
packed = zlib.compress(text.encode() * 4, 6)
print(len(packed), hashlib.md5(zlib.decompress(packed)).hexdigest())
print(len(re.findall(r'"n(\d)\d*3"', text)), hex(3 ** 40000 % 10 ** 40))

results = {}
def worker(n):
    results[n] = churn(n, 6000)
for _ in range(3):
    threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(digest(sorted(results.items())))

for n in range(12):
    out = subprocess.run([sys.executable, "-c",
        "import sys; print(sum(len(x * 9) for x in sys.stdin))"],
        input="line\n" * 3000 * n, stdout=subprocess.PIPE, text=True, check=True)
    print(out.stdout.strip())
pid = os.fork()
if pid == 0:
    os._exit(0 if churn(5, 2000) == churn(5, 2000) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
same_output "$python" "$input/work.py"
served "$(basename "$python")"
