#!/bin/bash
# python3's multiprocessing: pools made by fork, by spawn and by forkserver, from a
# process with threads; shared memory and queues.
. "$(dirname "$0")/lib.sh"
need_python
"$python" -c 'import _multiprocessing' 2>/dev/null ||
	skip "this python3 has no multiprocessing"

cat >"$input/work.py" <<'END'
import multiprocessing, threading, sys

def words(n):
    table = {}
    for i in range(n * 300):
        table.setdefault(i * 7919 % 1013, []).append("w%d" % i)
    return sum(len(",".join(v)) for v in table.values())

def feed(queue, n):
    for i in range(n):
        queue.put(("item", i, "x" * (i * 37 % 4000)))
    queue.put(None)

if __name__ == "__main__":
    stop = threading.Event()
    def noise():
        while not stop.is_set():
            [bytes(n * 50) for n in range(200)]
    threads = [threading.Thread(target=noise) for _ in range(2)]
    for thread in threads: thread.start()
    for method in "fork", "spawn", "forkserver":
        context = multiprocessing.get_context(method)
        with context.Pool(3, maxtasksperchild=5) as pool:
            print(method, pool.map(words, range(1, 21), chunksize=1))
        queue = context.Queue()
        process = context.Process(target=feed, args=(queue, 500))
        process.start()
        total = 0
        while (item := queue.get()) is not None:
            total += len(item[2])
        process.join()
        print(method, total, process.exitcode)
    stop.set()
    for thread in threads: thread.join()
END
same_output "$python" "$input/work.py"
served "$(basename "$python")"
