#!/usr/bin/env python3
"""What a look costs the process that is looked at.

Two parts. `latency`: redis and memcached under a steady load, and how long
their answers take, with and without looks by `tarn leaks`. `pause`: how long a
look stops a process, by the size of its heap and the number of its threads.

usage: bench/live/run.py --build BUILD [--out DIR] [--quick] [PART...]
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.dont_write_bytecode = True

from suite.gnuplot import Chart, GnuplotMissing  # noqa: E402

VALUE_BYTES = 200
# What a value takes of the heap, with its key and what holds it.
ITEM_BYTES = {"redis": 320, "memcached": 304}
MADV_COLLAPSE = 25
SYS_PIDFD_OPEN = 434
SYS_PROCESS_MADVISE = 440
HUGE_BYTES = 2 << 20
NEVER = "no 2 MiB pages: the kernel did not make them"


class Failed(Exception):
    """A part that could not be measured, and why."""


# --- processes ---------------------------------------------------------------


def build(directory, name, *flags):
    path = os.path.join(directory, name)
    source = os.path.join(HERE, f"{name}.c")
    subprocess.run(["cc", "-O2", *flags, source, "-o", path], check=True)
    return path


class Server:
    """A program on tarn that is ended with the block."""

    def __init__(self, library, *command, **options):
        environment = dict(os.environ, LD_PRELOAD=os.path.abspath(library))
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **options,
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def kib(self, key):
        path = f"/proc/{self.pid}/smaps_rollup"
        with open(path, encoding="ascii") as file:
            return int(re.search(rf"^{key}:\s+(\d+)", file.read(), re.M)[1])


class Range(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


def collapse(server):
    """Puts the anonymous memory of a process into 2 MiB pages, as far as the
    kernel can; says by what part that went."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(SYS_PIDFD_OPEN, server.pid, 0)
    with open(f"/proc/{server.pid}/maps", encoding="ascii") as file:
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split()
        start, end = (int(n, 16) for n in fields[0].split("-"))
        start = -(-start // HUGE_BYTES) * HUGE_BYTES
        if not fields[1].startswith("rw-p") or len(fields) > 5:
            continue
        for at in range(start, end - HUGE_BYTES + 1, HUGE_BYTES):
            one = Range(at, HUGE_BYTES)
            libc.syscall(
                SYS_PROCESS_MADVISE,
                descriptor,
                ctypes.byref(one),
                ctypes.c_size_t(1),
                MADV_COLLAPSE,
                0,
            )
    os.close(descriptor)
    part = server.kib("AnonHugePages") / server.kib("Anonymous")
    if part < 0.5:
        raise Failed(NEVER)
    return part


def look(options, pid, n_looks):
    """The report of so many looks, and when they began and ended."""
    started = time.monotonic()
    ended = subprocess.run(
        [
            os.path.join(options.build, "tarn"),
            "leaks",
            "--json",
            f"--looks={n_looks}",
            str(pid),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise Failed(ended.stderr.strip())
    report = json.loads(ended.stdout)["processes"][0]
    return report, started, time.monotonic()


def load_of_machine():
    return os.getloadavg()[0]


# --- latency -----------------------------------------------------------------


def start_service(options, kind, place):
    if kind == "redis":
        return Server(
            options.library,
            "redis-server",
            *("--port", "0", "--unixsocket", place),
            *("--save", "", "--appendonly", "no", "--disable-thp", "no"),
        )
    user = ["-u", "root"] if os.getuid() == 0 else []
    return Server(
        options.library, "memcached", "-s", place, "-m", "8192", *user
    )


def fill(client, mib, kind, place):
    keys = (mib << 20) // ITEM_BYTES[kind]
    common = [client, kind, place, str(keys), str(VALUE_BYTES)]
    for _ in range(100):
        done = subprocess.run(
            [*common, "fill"], stderr=subprocess.PIPE, check=False
        )
        if done.returncode == 0:
            return common
        time.sleep(0.1)
    raise Failed(f"{kind}: {done.stderr.decode().strip()}")


def under_load(options, common, pid, directory):
    """Requests as (when, how long) in seconds, and the looks at their times:
    the first half of the time has none."""
    path = os.path.join(directory, "latencies")
    seconds = 2 * options.seconds
    with open(path, "wb") as file:
        client = subprocess.Popen(
            [*common, str(options.rate), str(seconds)], stdout=file
        )
        start = time.monotonic()
        time.sleep(options.seconds)
        looks = []
        while time.monotonic() < start + seconds - 1:
            report, begun, ended = look(options, pid, 2)
            looks.append((begun, ended, report["stopped_ns"]))
            rest = looks[-1][0] + options.every - time.monotonic()
            time.sleep(max(0, rest))
        if client.wait() != 0:
            raise Failed("the client saw an error")
    with open(path, "rb") as file:
        numbers = [int(n) for n in file.read().split()]
    requests = [
        (when / 1e6, late / 1e6)
        for when, late in zip(numbers[::2], numbers[1::2])
    ]
    return requests, looks


def quantile(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


def summarize(requests, looks):
    """Without looks, in the time of looks: milliseconds."""
    start = requests[0][0]
    first = looks[0][0]
    quiet = sorted(late for when, late in requests if start + 1 < when < first)
    asked = sorted(late for when, late in requests if when >= first)
    return [
        [1e3 * quantile(values, part) for part in (0.5, 0.99, 0.999, 1)]
        for values in (quiet, asked)
    ]


def draw(options, name, title, requests, looks):
    """The slowest answer of each 20 ms, and marks where looks were."""
    start = requests[0][0]
    slowest = {}
    for when, late in requests:
        at = round((when - start) / 0.02) * 0.02
        slowest[at] = max(slowest.get(at, 0), late)
    chart = Chart(name, title, size=(760, 300))
    chart.add("set logscale y")
    chart.add("set yrange [0.01:200]")
    chart.add(f"set xrange [0:{2 * options.seconds}]")
    chart.add("set xlabel 'seconds'")
    chart.add("set ylabel 'slowest answer of 20 ms, in ms'")
    for begun, ended, _ in looks:
        chart.add(
            f"set object rectangle from {begun - start}, graph 0 to "
            f"{ended - start}, graph 1 behind fillcolor rgb '#fbe3d3' "
            "linewidth 0"
        )
    data = chart.block([(at, 1e3 * slowest[at]) for at in sorted(slowest)])
    chart.plot(data, "using 1:2 with impulses linecolor rgb '#0072b2' notitle")
    try:
        chart.draw(options.out)
    except GnuplotMissing as error:
        print(error)


def measure_latency(options, kind, mib, is_huge, directory):
    client = os.path.join(directory, "load")
    place = os.path.join(directory, f"{kind}.socket")
    if os.path.exists(place):
        os.unlink(place)
    results = []
    with start_service(options, kind, place) as server:
        common = fill(client, mib, kind, place)
        if is_huge:
            collapse(server)
        resident = server.kib("Rss") / 1024
        for number in range(options.rounds):
            machine = load_of_machine()
            requests, looks = under_load(options, common, server.pid, directory)
            results.append((summarize(requests, looks), looks, machine))
            if number == 0:
                pages = "2m" if is_huge else "4k"
                draw(
                    options,
                    f"{kind}-{mib}-{pages}",
                    f"{kind}, {resident:.0f} MiB, "
                    f"{'2 MiB' if is_huge else '4 KiB'} pages: a request each "
                    f"{1000 / options.rate:.2g} ms; looks are shaded",
                    requests,
                    looks,
                )
    return resident, results


def latency_row(kind, resident, is_huge, results):
    """Medians over the rounds."""
    cells = [f"{kind}, {resident:.0f} MiB", "2 MiB" if is_huge else "4 KiB"]
    for part in range(4):
        for asked in (0, 1):
            values = [summary[asked][part] for summary, _, _ in results]
            cells.append(f"{statistics.median(values):.2f}")
    stops = [ns / 1e6 for _, looks, _ in results for _, _, ns in looks]
    cells.append(f"{statistics.median(stops):.1f}, {max(stops):.1f}")
    cells.append(f"{max(machine for _, _, machine in results):.1f}")
    return cells


def print_row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def latency(options, directory):
    build(directory, "load")
    head = ["service", "pages"]
    for name in ("p50", "p99", "p99.9", "max"):
        head += [name, "looked at"]
    print_row([*head, "stopped, most", "load"])
    print_row(["---", "---", *["---:"] * 10])
    for kind in ("redis", "memcached"):
        if not shutil.which(f"{kind}-server" if kind == "redis" else kind):
            print(f"{kind} is not here")
            continue
        for mib in options.mib:
            for is_huge in (False, True):
                try:
                    resident, results = measure_latency(
                        options, kind, mib, is_huge, directory
                    )
                except Failed as error:
                    print_row([f"{kind}, {mib} MiB", str(error)])
                    continue
                print_row(latency_row(kind, resident, is_huge, results))


# --- pause -------------------------------------------------------------------


def measure_pause(options, program, mib, threads, is_huge):
    with Server(options.library, program, str(mib), str(threads)) as server:
        server.process.stdout.readline()
        if is_huge:
            collapse(server)
        resident = server.kib("Rss") / (1 << 20)
        stops = []
        for _ in range(options.looks):
            report, _, _ = look(options, server.pid, 1)
            stops.append(report["stopped_ns"] / 1e6)
        return resident, stops


def pause(options, directory):
    program = build(directory, "pause", "-pthread")
    print_row(["GiB", "threads", "pages", "stopped, ms", "most", "ms a GiB"])
    print_row(["---:", "---:", "---", "---:", "---:", "---:"])
    for mib in options.pause_mib:
        for threads in (1, 100):
            for is_huge in (False, True):
                pages = "2 MiB" if is_huge else "4 KiB"
                try:
                    resident, stops = measure_pause(
                        options, program, mib, threads, is_huge
                    )
                except Failed as error:
                    print_row([f"{mib / 1024:.2f}", str(threads), str(error)])
                    continue
                median = statistics.median(stops)
                print_row(
                    [
                        f"{resident:.2f}",
                        str(threads),
                        pages,
                        f"{median:.2f}",
                        f"{max(stops):.2f}",
                        f"{median / resident:.1f}",
                    ]
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help="latency, pause (both)")
    add("--build", required=True, help="where tarn was built")
    add("--out", default="bench-live", help="where pictures go")
    add("--mib", type=int, nargs="+", default=[100, 1024], help="heap sizes")
    add("--seconds", type=int, default=30, help="with looks, and without")
    add("--every", type=float, default=5, help="seconds between looks")
    add("--rate", type=int, default=2000, help="requests a second")
    add("--rounds", type=int, default=3)
    add("--looks", type=int, default=15, help="of each pause")
    add("--quick", action="store_true", help="a first impression")
    options = parser.parse_args()
    options.library = os.path.join(options.build, ".libs", "libtarn.so")
    options.pause_mib = [100, 1024, 4096]
    if options.quick:
        options.mib, options.pause_mib = [100], [100]
        options.seconds, options.rounds, options.looks = 10, 1, 5
    os.makedirs(options.out, exist_ok=True)
    parts = {"latency": latency, "pause": pause}
    with tempfile.TemporaryDirectory() as directory:
        for name in options.parts or parts:
            if name not in parts:
                sys.exit(f"{name}: no such part; latency or pause")
            print(f"{name}, load of the machine {load_of_machine():.1f}\n")
            parts[name](options, directory)
            print()


if __name__ == "__main__":
    main()
