"""How long a leak check takes, by tarn, LeakSanitizer and valgrind.

The same program (heap.c) builds the same heap under each; it times the check
alone. The rounds are interleaved. What is missing here is left out.

usage: bench/leaks/run.py --tarn LIBTARN.SO [--blocks N] [--rounds N]
                          [--no-valgrind]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def build(directory, name, *flags):
    """The path of heap.c built with FLAGS, or None."""
    path = os.path.join(directory, name)
    header = "/usr/include/valgrind/memcheck.h"
    command = [
        "cc",
        "-O2",
        "-g",
        f"-DHAVE_MEMCHECK_H={os.path.exists(header):d}",
    ]
    command += [*flags, os.path.join(HERE, "heap.c"), "-o", path]
    built = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    return path if built.returncode == 0 else None


def tools(options, directory):
    """Name -> (command, environment) of those that are there."""
    plain = build(directory, "plain")
    found = {"tarn": ([plain], {"LD_PRELOAD": os.path.abspath(options.tarn)})}
    lsan = build(directory, "lsan", "-fsanitize=leak")
    if lsan:
        found["LeakSanitizer"] = ([lsan], {})
    if options.valgrind and shutil.which("valgrind"):
        command = ["valgrind", "-q", "--leak-check=full", plain]
        found["valgrind"] = (command, {})
    return found


def seconds(command, environment, arguments):
    """What the program says that its check took."""
    ended = subprocess.run(
        command + arguments,
        env=dict(os.environ, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    tool, time = ended.stdout.split()
    if tool == b"none":
        sys.exit(f"{command[0]}: nobody checked")
    return float(time)


def measure(found, arguments, rounds):
    """Name -> list of seconds; valgrind, which is slow, has one round."""
    times = {name: [] for name in found}
    for number in range(rounds):
        for name, (command, environment) in found.items():
            if name != "valgrind" or number == 0:
                times[name].append(seconds(command, environment, arguments))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tarn", required=True, help="libtarn.so")
    parser.add_argument("--blocks", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-valgrind", dest="valgrind", action="store_false")
    options = parser.parse_args()
    print("| heap | tool | seconds | to tarn |\n| --- | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as directory:
        found = tools(options, directory)
        for kind in ([], ["mixed"]):
            n = options.blocks // 4 if kind else options.blocks
            times = measure(found, [str(n), *kind], options.rounds)
            base = statistics.median(times["tarn"])
            for name, some in times.items():
                median = statistics.median(some)
                print(
                    f"| {n:,} blocks{' of mixed sizes' if kind else ''} | "
                    f"{name} | {median:.2f} | {median / base:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
