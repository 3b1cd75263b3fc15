"""Runs the programs of truth/ under the tracer and judges what it says.

The first comment of each program says what it shows and, after an empty line:

  expect: VERDICT count=N blocks=N retained=N
                    the sums over the findings of that verdict: components,
                    their blocks, and those with what only they hold
  expect: VERDICT none
  expect: nothing   no block is lost
  expect: findings VERDICT=N
                    the number of findings, where sites are known
  expect: function NAME
                    is in the site of a finding, where sites are known
  expect: type NAME is the type of a finding or of one of its blocks
  expect: processes N
  status: N         the program's exit status, if not 0
  signal: NAME      the signal that ends it
  flags: FLAG...    for the linker
  needs: registers  skipped where no other thread's registers can be seen
  machine: NAME     only for it
  sites: MODE...    all, sampled, off: run so only
  skip: TOOL...     valgrind, lsan: the table leaves the program out

Of the verdicts lost, cycle, inner-cycle and shared those not named are expected
to be absent.

Environment: TARN and TARN_SO, the command and the library; top_srcdir,
top_builddir; CC and CXX. Files lib_*.c are built as libraries and lie where the
programs look for them.
"""

import argparse
import collections
import concurrent.futures
import glob
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP_BUILDDIR = os.environ.get("top_builddir", ".")
TARN = os.environ.get("TARN") or os.path.join(TOP_BUILDDIR, "tarn")
TARN_SO = os.environ.get("TARN_SO") or os.path.join(
    TOP_BUILDDIR, ".libs", "libtarn.so"
)
CC = shlex.split(os.environ.get("CC") or "cc")
CXX = shlex.split(os.environ.get("CXX") or "c++")

LEVELS = ("-O0", "-O2")
SITES = ("all", "off")
LOST = ("lost", "cycle", "inner-cycle", "shared")
# An inner cycle is retained by what holds it.
ADDING_UP = ("lost", "cycle", "shared")
VERDICTS = LOST + ("possible", "foreign")
TIMEOUT_S = 120
N_AT_A_TIME = 2


class Unable(Exception):
    """The program could not be built, or what it needs is not there."""


class Program:
    """A source file, and what its first comment says."""

    def __init__(self, source):
        self.source = source
        self.name = os.path.splitext(os.path.basename(source))[0]
        self.sums = {}  # verdict -> {"count": N, ...}; {} is none
        self.findings = {}  # verdict -> number of findings
        self.functions = []
        self.types = []
        self.n_processes = None
        self.status = 0
        self.flags = []
        self.needs = []
        self.machine = None
        self.sites = SITES
        self.skip = []
        with open(source, encoding="utf-8") as file:
            comment = file.read().split("*/", 1)[0]
        n_expected = 0
        for line in comment.partition("\n *\n")[2].splitlines():
            match = re.match(r" \* (\w+): (.*)$", line)
            if match:
                self.read_line(match.group(1), match.group(2).split())
                n_expected += match.group(1) == "expect"
        if n_expected == 0:
            raise ValueError(f"{source}: expects nothing at all")
        for verdict in LOST:
            self.sums.setdefault(verdict, {})

    def read_line(self, key, words):
        if key == "expect":
            self.read_expectation(words)
        elif key == "status":
            self.status = int(words[0])
        elif key == "signal":
            self.status = -getattr(signal, "SIG" + words[0])
        elif key in ("flags", "needs", "skip", "sites"):
            setattr(self, key, words)
        elif key == "machine":
            self.machine = words[0]
        else:
            raise ValueError(f"{self.source}: {key}: unknown")

    def read_expectation(self, words):
        what, rest = words[0], words[1:]
        if what in VERDICTS:
            self.sums[what] = (
                {} if rest == ["none"] else dict(map(figure, rest))
            )
        elif what == "findings":
            self.findings.update(map(figure, rest))
        elif what == "function":
            self.functions += rest
        elif what == "type":
            self.types += rest
        elif what == "processes":
            self.n_processes = int(rest[0])
        elif what != "nothing":
            raise ValueError(f"{self.source}: expect: {what}: unknown")

    def n_lost(self):
        return sum(
            self.sums[verdict].get("retained", 0) for verdict in ADDING_UP
        )


def figure(word):
    name, number = word.split("=")
    return name, int(number)


# --- building ----------------------------------------------------------------


def compile_to(output, source, flags):
    compiler = CXX if source.endswith(".cpp") else CC
    result = subprocess.run(
        compiler + ["-g", source, "-o", output] + flags,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode != 0:
        raise Unable("does not build: " + result.stderr.strip())


def build_libraries(directory, flags):
    os.makedirs(directory, exist_ok=True)
    for source in glob.glob(os.path.join(HERE, "truth", "lib_*.c")):
        name = os.path.splitext(os.path.basename(source))[0]
        compile_to(
            os.path.join(directory, name + ".so"),
            source,
            flags + ["-shared", "-fPIC"],
        )


def build(program, directory, flags):
    output = os.path.join(directory, program.name)
    compile_to(
        output,
        program.source,
        flags + ["-Wl,-rpath,$ORIGIN"] + program.flags,
    )
    return output


def run(command, **options):
    """The exit status; the signal that ended it is negative."""
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            **options,
        )
    except subprocess.TimeoutExpired as error:
        raise Unable(f"still runs after {TIMEOUT_S} s") from error
    return result.returncode, result.stderr.decode(errors="replace")


# --- judging -----------------------------------------------------------------


def trace(program, path, sites, output):
    """Runs PATH under the tracer: the exit status, the report, and stderr."""
    command = [TARN, "run", "--leaks", f"--sites={sites}", "--json"]
    command += ["--show=all", "--output", output, "--library", TARN_SO]
    try:
        status, errors = run(command + ["--", path])
    except OSError as error:
        raise Unable(f"{TARN}: {error.strerror}") from error
    try:
        with open(output, encoding="utf-8") as file:
            return status, json.load(file), errors
    except OSError:
        raise Unable(f"no report (status {status}) {errors.strip()}") from None
    except ValueError as error:
        raise Unable(f"the report is no JSON: {error}") from error


def sums_of(report):
    """Verdict -> what all its findings have in sum, in all processes."""
    sums = {verdict: collections.Counter() for verdict in VERDICTS}
    for process in report["processes"]:
        for finding in process["findings"]:
            sums[finding["verdict"]].update(
                findings=1,
                count=finding["count"],
                blocks=finding["own"]["blocks"],
                retained=finding["retained"]["blocks"],
            )
    return sums


def differences(program, report):
    """What is not as expected of the sums."""
    found = sums_of(report)
    for verdict, expected in program.sums.items():
        if not expected and found[verdict]["findings"]:
            yield f"{verdict}: expected none, found " + shown(found[verdict])
        elif any(found[verdict][key] != n for key, n in expected.items()):
            yield f"{verdict}: expected {shown(expected)}, found " + (
                shown(found[verdict])
            )
    for process in report["processes"]:
        adding = sum(
            finding["retained"]["blocks"]
            for finding in process["findings"]
            if finding["verdict"] in ADDING_UP
        )
        if adding != process["lost"]["blocks"]:
            yield (
                f"{process['lost']['blocks']} blocks lost, and {adding} by "
                "the sum of findings"
            )
        if not process["complete"]:
            yield "the report is not complete"
    n = len(report["processes"])
    if program.n_processes not in (None, n):
        yield f"expected {program.n_processes} processes, found {n}"


def shown(figures):
    keys = [key for key in ("count", "blocks", "retained") if key in figures]
    return " ".join(f"{key}={figures[key]}" for key in keys) or "none"


def names_missing(program, report, sites):
    """What is not as expected of the number of findings, and of names."""
    findings = [
        finding
        for process in report["processes"]
        for finding in process["findings"]
    ]
    parts = findings + [m for finding in findings for m in finding["members"]]
    types = [part["type"] or "" for part in parts]
    for name in program.types:
        if not any(name in found for found in types):
            yield f"no block has the type {name}"
    if sites == "off":
        return
    for verdict, expected in program.findings.items():
        found = sum(f["verdict"] == verdict for f in findings)
        if found != expected:
            yield f"expected {expected} findings of {verdict}, found {found}"
    functions = {frame["function"] for part in parts for frame in part["site"]}
    for name in program.functions:
        if name not in functions:
            yield f"no site has the function {name}"


def blind(program, report):
    """Whether the report says that it could not see what the program needs."""
    return "registers" in program.needs and any(
        {"registers-unseen", "threads-ran"} & set(process["uncertain"])
        for process in report["processes"]
    )


def judge(program, path, sites, output):
    """("PASS" or "FAIL" or "SKIP", why, the report or None)."""
    try:
        status, report, errors = trace(program, path, sites, output)
    except Unable as error:
        return "FAIL", str(error), None
    if blind(program, report):
        return "SKIP", "the registers of threads are not seen", report
    try:
        wrong = list(differences(program, report))
        wrong += names_missing(program, report, sites)
    except (KeyError, TypeError) as error:
        return "FAIL", f"the report is not as agreed: {error!r}", None
    # The command may end as the program did, or say so as shells do.
    if status not in (program.status, 128 - program.status):
        wrong.append(f"status {status}, not {program.status}: {errors.strip()}")
    return ("FAIL" if wrong else "PASS"), "; ".join(wrong), report


def judge_at(program, level, directory):
    """The lines to print, and a Counter of their kinds."""
    label = f"truth: {program.name} {level}"
    if program.machine not in (None, platform.machine()):
        return [f"SKIP: {label}: only for {program.machine}"], {"SKIP": 1}
    try:
        path = build(program, directory, [level])
    except Unable as error:
        return [f"FAIL: {label}: {error}"], {"FAIL": 1}
    lines, kinds = [], collections.Counter()
    for sites in program.sites:
        output = f"{path}.{sites}.json"
        kind, why, _ = judge(program, path, sites, output)
        lines.append(f"{kind}: {label} {sites}" + (why and f": {why}"))
        kinds[kind] += 1
    return lines, kinds


def judge_all(programs, directory):
    """Prints a line for each run; whether all passed."""
    for level in LEVELS:
        build_libraries(os.path.join(directory, level), [level])
    jobs = [
        (program, level, os.path.join(directory, level))
        for program in programs
        for level in LEVELS
    ]
    kinds = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(N_AT_A_TIME) as pool:
        for lines, some in pool.map(lambda job: judge_at(*job), jobs):
            print("\n".join(lines), flush=True)
            kinds.update(some)
    print(
        f"truth: {len(programs)} programs: {kinds['PASS']} passed, "
        f"{kinds['FAIL']} failed, {kinds['SKIP']} skipped"
    )
    return kinds["FAIL"] == 0


# --- the table ---------------------------------------------------------------


def said_by_tarn(program, directory):
    path = build(program, os.path.join(directory, "-O0"), ["-O0"])
    _, report, _ = trace(program, path, "all", path + ".table.json")
    return sum(process["lost"]["blocks"] for process in report["processes"])


def sum_in_files(pattern, expression):
    """The sum of what EXPRESSION's group is in the files; None if no file."""
    paths = glob.glob(pattern)
    total = 0
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.findall(expression, file.read())
        total += sum(int(number.replace(",", "")) for number in found)
    return total if paths else None


def said_by_valgrind(program, directory):
    """Blocks definitely and indirectly lost."""
    path = build(program, os.path.join(directory, "-O0"), ["-O0"])
    command = ["valgrind", "--leak-check=full", "--trace-children=yes"]
    command += ["--show-leak-kinds=definite,indirect,possible"]
    run(command + [f"--log-file={path}.valgrind.%p", "--", path])
    return sum_in_files(
        path + ".valgrind.*",
        r"(?:definitely|indirectly) lost: .* bytes in ([\d,]+) blocks",
    )


def said_by_lsan(program, directory):
    """Objects of direct and indirect leaks; no file is no leak."""
    sanitize = ["-O0", "-fsanitize=leak"]
    path = build(program, os.path.join(directory, "lsan"), sanitize)
    options = f"log_path={path}.lsan:max_leaks=0:report_objects=0"
    run([path], env=dict(os.environ, LSAN_OPTIONS=options))
    found = sum_in_files(
        path + ".lsan.*", r"(?:Direct|Indirect) leak of .* in (\d+) object"
    )
    return found or 0


TOOLS = {
    "tarn": said_by_tarn,
    "valgrind": said_by_valgrind,
    "lsan": said_by_lsan,
}


def said(tool, program, directory):
    """The number of blocks that TOOL says are lost, None if it cannot run."""
    machine = program.machine not in (None, platform.machine())
    if tool in program.skip or machine:
        return None
    try:
        return TOOLS[tool](program, directory)
    except (Unable, OSError, KeyError) as error:
        print(f"{tool}: {program.name}: {error}", file=sys.stderr)
        return None


def totals(tool, rows):
    """Cells of the last rows: exact, missed, wrongly said, recall, precision.

    The last two are means over programs, or those of a million blocks would be
    all that counts. Which block is meant by a number cannot be told.
    """
    pairs = [(p.n_lost(), n[tool]) for p, n in rows if n[tool] is not None]
    recalls = [min(n, truth) / truth for truth, n in pairs if truth]
    precisions = [min(n, truth) / n for truth, n in pairs if n]
    return {
        "programs exact": f"{sum(t == n for t, n in pairs)} of {len(pairs)}",
        "blocks missed": f"{sum(max(0, t - n) for t, n in pairs):,}",
        "blocks wrongly said": f"{sum(max(0, n - t) for t, n in pairs):,}",
        "recall": mean(recalls),
        "precision": mean(precisions),
    }


def mean(numbers):
    return f"{sum(numbers) / len(numbers):.3f}" if numbers else "–"


def head_of(path):
    """What stands before the table in the file, if it is there."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read().partition("| program |")[0]


def write_table(programs, directory, file):
    build_libraries(os.path.join(directory, "-O0"), ["-O0"])
    build_libraries(os.path.join(directory, "lsan"), ["-O0"])

    def row(program):
        return program, {tool: said(tool, program, directory) for tool in TOOLS}

    with concurrent.futures.ThreadPoolExecutor(N_AT_A_TIME) as pool:
        rows = list(pool.map(row, programs))
    print("| program | truth |", " | ".join(TOOLS), "|", file=file)
    print("|---|---:|" + "---:|" * len(TOOLS), file=file)
    for program, numbers in rows:
        truth = program.n_lost()
        cells = [cell(numbers[tool], truth) for tool in TOOLS]
        print(f"| {program.name} | {truth} |", *cells, file=file)
    columns = [totals(tool, rows) for tool in TOOLS]
    for name in columns[0]:
        cells = [column[name] + " |" for column in columns]
        print(f"| **{name}** | |", *cells, file=file)


def cell(number, truth):
    """What is not the truth stands out."""
    if number is None:
        return "– |"
    return f"{number} |" if number == truth else f"**{number}** |"


# --- main --------------------------------------------------------------------


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Judges the tracer by programs of known truth."
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="only this program; may be given more than once",
    )
    parser.add_argument(
        "--keep", metavar="DIR", help="build in DIR, and leave it there"
    )
    parser.add_argument(
        "--table",
        metavar="FILE",
        nargs="?",
        const="-",
        help="instead, write a Markdown table of what tarn, valgrind and "
        "LeakSanitizer say is lost",
    )
    return parser.parse_args()


def read_programs(only):
    sources = glob.glob(os.path.join(HERE, "truth", "*.c"))
    sources = [s for s in sources if not os.path.basename(s).startswith("lib_")]
    if shutil.which(CXX[0]):
        sources += glob.glob(os.path.join(HERE, "truth", "*.cpp"))
    programs = [Program(source) for source in sorted(sources)]
    for name in only or ():
        if name not in [program.name for program in programs]:
            sys.exit(f"truth.py: no program {name}")
    return [p for p in programs if not only or p.name in only]


def main():
    arguments = parse_arguments()
    programs = read_programs(arguments.only)
    directory = arguments.keep or tempfile.mkdtemp(prefix="truth-")
    directory = os.path.abspath(directory)
    os.makedirs(directory, exist_ok=True)
    try:
        if not arguments.table:
            return 0 if judge_all(programs, directory) else 1
        if arguments.table == "-":
            write_table(programs, directory, sys.stdout)
        else:
            head = head_of(arguments.table)
            with open(arguments.table, "w", encoding="utf-8") as file:
                file.write(head)
                write_table(programs, directory, file)
        return 0
    except Unable as error:
        print(f"truth.py: {error}", file=sys.stderr)
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
