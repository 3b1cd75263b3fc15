#!/bin/bash
# memcached: four threads, eight clients that set, get, append, count and delete.
. "$(dirname "$0")/lib.sh"
need memcached
need_python

cat >"$input/load.py" <<'END'
import random, socket, threading

def client(n, report):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect("socket")
    f = s.makefile("rwb")
    def ask(command, data=None):
        f.write(command.encode() + b"\r\n")
        if data is not None:
            f.write(data + b"\r\n")
        f.flush()
        return f.readline().strip().decode()
    def get(key):
        head = ask("get " + key)
        if head == "END":
            return None
        body = f.read(int(head.split()[3]) + 2)[:-2]
        f.readline()
        return body
    rng, shadow, wrong, asked = random.Random(n), {}, 0, 0
    for i in range(4000):
        key = "c%d-%d" % (n, rng.randrange(300))
        what = rng.randrange(10)
        if what < 4:
            data = bytes([i % 256]) * rng.randrange(8000)
            wrong += ask("set %s 0 0 %d" % (key, len(data)), data) != "STORED"
            shadow[key] = data
        elif what < 5 and key in shadow:
            wrong += ask("append %s 0 0 3" % key, b"abc") != "STORED"
            shadow[key] += b"abc"
        elif what < 6:
            answer = ask("delete " + key)
            there = shadow.pop(key, None) is not None
            wrong += answer != ("DELETED" if there else "NOT_FOUND")
        else:
            wrong += get(key) != shadow.get(key)
        asked += 1
        if i % 50 == 0:
            ask("incr shared 1")
    report[n] = (asked, wrong, len(shadow), sum(map(len, shadow.values())))
    s.close()

first = socket.socket(socket.AF_UNIX)
first.connect("socket")
first.sendall(b"flush_all\r\nset shared 0 0 1\r\n0\r\nquit\r\n")
first.makefile("rb").read()
report = {}
threads = [threading.Thread(target=client, args=(n, report)) for n in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for n in sorted(report): print(n, *report[n])
assert len(report) == 8 and not any(r[1] for r in report.values())
last = socket.socket(socket.AF_UNIX)
last.connect("socket")
last.sendall(b"get shared\r\nquit\r\n")
print(last.makefile("rb").read())
END

work_it() {
	start memcached -s "$work/run/socket" -u "$(id -un)" -m 256 -t 4 -v
	until_true test -S socket
	is_served "$server"
	"$python" ../input/load.py || return
	"$python" ../input/load.py || return
	stop
	echo "exit status $?"
}

same_output work_it
served memcached
