"""runner: one run of one row under one allocator.

bench/common/measure starts the program, and with it the witness
(bench/common/witness.c), which says whose malloc the program really had.
"""

import os
import shutil
import signal
import subprocess
import tempfile

GRACE_S = 30  # what a script may take beside the program it measures


class Missing(Exception):
    """A row that cannot run here; the message says what to install."""


class Runner:
    def __init__(
        self,
        bench_directory,
        build_directory,
        input_directory,
        instructions=False,
    ):
        self.bench = os.path.abspath(bench_directory)
        self.build = os.path.join(os.path.abspath(build_directory), "bench")
        self.input = os.path.abspath(input_directory)
        self.instructions = instructions
        self.measure = os.path.join(self.build, "common", "measure")
        self.witness = os.path.join(
            self.build, "common", ".libs", "libwitness.so"
        )
        for path in (self.measure, self.witness):
            if not os.path.isfile(path):
                raise Missing(
                    f"{path} is not built: `make bench` builds what is needed"
                )

    # -- what is started ---

    def _program(self, row, mode):
        """The words of the row's command, the program as a path."""
        name, *arguments = row.command(mode)
        if name.endswith(".sh"):
            path = os.path.join(self.bench, row.group, name)
            return ["bash", path, *arguments]
        path = os.path.join(self.build, row.group, name)
        if not os.path.isfile(path):
            raise Missing(f"{row.name}: {name} is not built")
        return [path, *arguments]

    def _prefix(self, row, allocator, scratch):
        """measure and its options: what stands before a measured program."""
        words = [
            self.measure,
            "-p",
            f"{self.witness}:{allocator.path}",
            "-w",
            f"{scratch}/witness",
            "-o",
            f"{scratch}/figures",
            "-t",
            str(row.timeout_s * (100 if self.instructions else 1)),
        ]
        if self.instructions:
            words += [
                "valgrind",
                "-q",
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                f"--log-file={scratch}/callgrind",
            ]
        return words

    def _environment(self, **more):
        kept = ("PATH", "TMPDIR")
        environment = {k: os.environ[k] for k in kept if k in os.environ}
        environment.update(
            LC_ALL="C", TZ="UTC", BENCH_SRCDIR=self.bench, INPUT=self.input
        )
        environment.update(more)
        return environment

    def prepare(self, row, mode):
        """Makes a script's input; raises Missing when its program is not here."""
        words = self._program(row, mode)
        if words[0] != "bash":
            return
        os.makedirs(self.input, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tb.") as scratch:
            done = subprocess.run(
                words,
                capture_output=True,
                text=True,
                cwd=scratch,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=600,
                env=self._environment(
                    PREPARE="1", MEASURE="false", HOME=scratch
                ),
            )
        if done.returncode == 77:
            reason = done.stdout.strip().removeprefix("missing:").strip()
            raise Missing(f"{row.name}: Debian: apt-get install {reason}")
        if done.returncode != 0:
            raise Missing(
                f"{row.name}: cannot prepare its input: {_end(done.stderr)}"
            )

    # -- one run ---

    def run(self, row, mode, allocator):
        """The document of one run, without its round."""
        scratch = tempfile.mkdtemp(prefix="tb.")
        try:
            return self._run_in(scratch, row, mode, allocator)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _run_in(self, scratch, row, mode, allocator):
        open(f"{scratch}/witness", "w").close()
        words = self._program(row, mode)
        prefix = self._prefix(row, allocator, scratch)
        environment = self._environment(MEASURE=" ".join(prefix), HOME=scratch)
        if words[0] != "bash":
            words = prefix + words
        status, out, err = self._start(words, scratch, environment, row)
        run = {
            "row": row.name,
            "allocator": allocator.name,
            "status": "ok",
            "message": "",
            "figures": {},
            "points": {},
            "rss": [],
            "check": "",
        }
        ending = self._read_figures(f"{scratch}/figures", run)
        self._read_output(out, run)
        self._read_instructions(f"{scratch}/callgrind", run)
        self._judge(run, status, ending, err, scratch, allocator, row)
        return run

    def _start(self, words, scratch, environment, row):
        """(status, stdout, stderr); a process group that hangs is ended."""
        process = subprocess.Popen(
            words,
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        limit = row.timeout_s * (100 if self.instructions else 1) + GRACE_S
        try:
            out, err = process.communicate(timeout=limit)
        except BaseException as error:
            # Ctrl-C too: measure passes it on to the program.
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return (124, "", "")
        return (process.returncode, out, err)

    def _read_figures(self, path, run):
        """What measure wrote; returns its `pid` and `end` lines."""
        ending = {"pid": "", "end": ""}
        if not os.path.exists(path):
            return ending
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, *rest = line.split()
                if key == "figure":
                    run["figures"][rest[0]] = float(rest[1])
                elif key == "rss":
                    run["rss"].append([float(rest[0]), int(rest[1])])
                else:
                    ending[key] = " ".join(rest)
        return ending

    def _read_output(self, out, run):
        for line in out.splitlines():
            match line.split():
                case ["metric", name, value]:
                    run["figures"][name] = float(value)
                case ["point", series, x, y]:
                    points = run["points"].setdefault(series, [])
                    points.append([float(x), float(y)])
                case ["check", value]:
                    run["check"] = value

    def _read_instructions(self, path, run):
        """callgrind ends its log with a line `Collected : N`."""
        if not self.instructions or not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            for line in file:
                _, colon, number = line.partition("Collected :")
                if colon:
                    run["figures"]["instructions"] = float(number)

    def _judge(self, run, status, ending, err, scratch, allocator, row):
        """Sets the status and its message."""
        with open(f"{scratch}/witness", encoding="utf-8") as file:
            seen = dict(line.split(maxsplit=1) for line in file)
        had = seen.get(ending["pid"], "").strip()
        if ending["end"].startswith("timeout") or status == 124:
            run.update(status="timeout", message=f"after {row.timeout_s:g} s")
        elif status != 0 or ending["end"] != "exit 0":
            how = ending["end"] or f"exit {status}"
            run.update(status="failed", message=f"{how}: {_end(err)}")
        elif not had or os.path.realpath(had) != allocator.path:
            had = had or "the preload did not reach it"
            run.update(status="not_preloaded", message=f"malloc is of {had}")


def _end(text):
    """The last lines of what a program said."""
    return " / ".join(text.strip().splitlines()[-3:])[-300:]
