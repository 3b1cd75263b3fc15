"""load: clients that check every answer.

usage: load.py redis|memcached|http PLACE CONNECTIONS SECONDS

PLACE is the path of a socket, or a port of this host. It prints the number of
requests and the slowest, and ends with 1 after an answer that is wrong, late by
5 seconds or missing.
"""

import socket
import sys
import threading
import time


class Wrong(Exception):
    pass


def connect(place):
    if place.isdigit():
        end = socket.create_connection(("127.0.0.1", int(place)), 5)
    else:
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(5)
        end.connect(place)
    return end, end.makefile("rb")


def expect(stream, wanted):
    got = stream.read(len(wanted))
    if got != wanted:
        raise Wrong(f"{got!r:.80} instead of {wanted!r:.80}")


def value(number, turn):
    text = b"%d:%d;" % (number, turn)
    return text * (1 + (turn * 7919 + number) % 997)


def redis(place, number):
    end, stream = connect(place)
    turn = 0
    while True:
        key, data = b"k%d:%d" % (number, turn % 300), value(number, turn)
        end.sendall(
            b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
            % (len(key), key, len(data), data)
        )
        expect(stream, b"+OK\r\n")
        yield
        end.sendall(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key))
        expect(stream, b"$%d\r\n%s\r\n" % (len(data), data))
        yield
        turn += 1


def memcached(place, number):
    end, stream = connect(place)
    turn = 0
    while True:
        key, data = b"k%d:%d" % (number, turn % 300), value(number, turn)
        head = b"%s 0 %s%d\r\n"
        end.sendall(b"set " + head % (key, b"0 ", len(data)) + data + b"\r\n")
        expect(stream, b"STORED\r\n")
        yield
        end.sendall(b"get %s\r\n" % key)
        answer = b"VALUE " + head % (key, b"", len(data)) + data
        expect(stream, answer + b"\r\nEND\r\n")
        yield
        turn += 1


def http(place, number):
    """What was asked for stands at the end of the answer."""
    while True:
        end, stream = connect(place)
        for turn in range(20):
            path = "/%d/%d" % (number, turn)
            end.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            line = stream.readline()
            if b" 200 " not in line:
                raise Wrong(f"{line!r}")
            length = None
            while line not in (b"\r\n", b""):
                line = stream.readline()
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = stream.read(length)
            if len(body) != length or not body.endswith(path.encode()):
                raise Wrong(f"{len(body)} of {length}: {body!r:.80}")
            yield
        stream.close()
        end.close()


class Client(threading.Thread):
    def __init__(self, kind, place, number, end):
        super().__init__(daemon=True)
        self.work = kind(place, number)
        self.end = end
        self.requests = 0
        self.slowest = 0.0
        self.error = None

    def run(self):
        try:
            last = time.monotonic()
            for _ in self.work:
                now = time.monotonic()
                self.slowest = max(self.slowest, now - last)
                self.requests += 1
                if now > self.end:
                    return
                last = time.monotonic()
        except (OSError, Wrong, TypeError) as error:
            self.error = error


def main():
    kind, place, connections, seconds = sys.argv[1:]
    kind = {"redis": redis, "memcached": memcached, "http": http}[kind]
    end = time.monotonic() + float(seconds)
    clients = [Client(kind, place, i, end) for i in range(int(connections))]
    for client in clients:
        client.start()
    for client in clients:
        client.join(float(seconds) + 20)
        if client.is_alive():
            client.error = "it hangs"
    errors = [client.error for client in clients if client.error]
    for error in errors[:5]:
        print("error:", error)
    print(
        sum(client.requests for client in clients),
        "requests,",
        len(errors),
        "errors, slowest %.1f ms" % (1e3 * max(c.slowest for c in clients)),
    )
    sys.stdout.flush()
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
