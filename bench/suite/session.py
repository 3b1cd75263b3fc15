"""session: all runs of a suite, interleaved, written down one by one.

Round after round; in each, row after row; for each row, allocator after
allocator, beginning with another one each round. What is done stands in a
journal, so that a run that was stopped goes on where it was.
"""

import datetime
import json
import os
import time

from suite.results import FORMAT
from suite.runner import Missing

GIVE_UP_AFTER = 2  # failures of one combination
JOURNAL = "journal.jsonl"
RESULTS = "results.json"


def _now():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


class Plan:
    """The list of (round, row, allocator), in the order of their turns."""

    def __init__(self, rows, allocators, rounds):
        self.steps = []
        for round_ in range(1, rounds + 1):
            for row in rows:
                if round_ > row.rounds_among(rounds):
                    continue
                first = (round_ - 1) % len(allocators)
                for allocator in allocators[first:] + allocators[:first]:
                    self.steps.append((round_, row, allocator))


class Journal:
    """The file that a run leaves while it goes on: a header, then each run."""

    def __init__(self, directory):
        self.path = os.path.join(directory, JOURNAL)
        self.header = None
        self.runs = []

    def exists(self):
        return os.path.exists(self.path)

    def read(self):
        """What is there; a last line that was cut short does not count."""
        with open(self.path, "rb+") as file:
            lines = file.read().split(b"\n")
            torn = lines.pop()
            if torn:
                file.seek(-len(torn), os.SEEK_END)
                file.truncate()
        self.header, *self.runs = [json.loads(line) for line in lines]

    def begin(self, header):
        self.header = header
        self._append(header, "w")

    def add(self, run):
        self.runs.append(run)
        self._append(run, "a")

    def _append(self, entry, how):
        with open(self.path, how, encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


class Session:
    """Takes the steps of a plan that the journal does not have yet."""

    def __init__(self, plan, mode, runner, journal, progress):
        self.plan = plan
        self.mode = mode
        self.runner = runner
        self.journal = journal
        self.progress = progress
        self.failures = {}
        self.checks = {}
        self.missing = {}  # name of a row: why it cannot run here
        for run in journal.runs:
            self._note(run)

    def _note(self, run):
        """Takes a run into account; one with a wrong result is marked."""
        key = run["row"], run["allocator"]
        if run["status"] == "ok":
            expected, by = self.checks.setdefault(
                run["row"], (run["check"], run["allocator"])
            )
            if run["check"] != expected:
                run["status"] = "wrong"
                run["message"] = f"check {run['check']}, {by} has {expected}"
        if run["status"] != "ok":
            self.failures[key] = self.failures.get(key, 0) + 1

    def _is_given_up(self, row, allocator):
        key = row.name, allocator.name
        return (
            row.name in self.missing
            or self.failures.get(key, 0) >= GIVE_UP_AFTER
        )

    def _warm_up(self, row, allocator, warm):
        """Input made and files read into memory, in a run that does not count."""
        if row.name in warm:
            return
        warm.add(row.name)
        try:
            self.runner.prepare(row, self.mode)
            self.runner.run(row, "smoke", allocator)
        except Missing as error:
            self.missing[row.name] = str(error)
            self.progress.note(str(error))

    def go(self):
        done = {
            (r["round"], r["row"], r["allocator"]) for r in self.journal.runs
        }
        left = [
            step
            for step in self.plan.steps
            if (step[0], step[1].name, step[2].name) not in done
        ]
        warm = set()
        self.progress.begin(left)
        for i, (round_, row, allocator) in enumerate(left):
            self._warm_up(row, allocator, warm)
            if self._is_given_up(row, allocator):
                continue
            self.progress.show(i, round_, row, allocator)
            started = time.monotonic()
            run = self.runner.run(row, self.mode, allocator)
            run["round"] = round_
            self._note(run)
            self.journal.add(run)
            self.progress.took(row, time.monotonic() - started)
            if run["status"] != "ok":
                self.progress.note(
                    f"{row.name} on {allocator.name}: "
                    f"{run['status']}: {run['message']}"
                )
        self.progress.end()


class Progress:
    """A line of where we are and how long it still takes."""

    TYPICAL_S = 1.2  # of a run, until it is known better

    def __init__(self, out, is_terminal):
        self.out = out
        self.is_terminal = is_terminal
        self.left = []
        self.seconds = {}  # of the runs of a row, by its name
        self.said = 0.0

    def begin(self, left):
        self.left = left

    def took(self, row, seconds):
        self.seconds.setdefault(row.name, []).append(seconds)

    def seconds_left(self, i):
        means = {name: sum(s) / len(s) for name, s in self.seconds.items()}
        typical = self.TYPICAL_S
        if means:
            typical = sum(means.values()) / len(means)
        return sum(means.get(row.name, typical) for _, row, _ in self.left[i:])

    def show(self, i, round_, row, allocator):
        """On a terminal each step; in a file a line every half minute."""
        if not self.is_terminal and time.monotonic() - self.said < 30:
            return
        self.said = time.monotonic()
        left_s = self.seconds_left(i)
        line = (
            f"{i + 1}/{len(self.left)}  round {round_}  {row.name} on "
            f"{allocator.name}  {left_s / 60:.0f} min {left_s % 60:02.0f} s left"
        )
        if self.is_terminal:
            self.out.write("\r\033[K" + line[:79])
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def note(self, text):
        """Something to know, on a line of its own."""
        self.end()
        self.out.write(f"  {text}\n")
        self.out.flush()

    def end(self):
        if self.is_terminal:
            self.out.write("\r\033[K")
            self.out.flush()


def header(mode, rounds, machine, allocators, rows):
    return {
        "format": FORMAT,
        "mode": mode,
        "started": _now(),
        "rounds": rounds,
        "machine": machine,
        "allocators": [a.document() for a in allocators],
        "rows": [row.document(mode) for row in rows],
    }


def write_results(directory, journal, missing):
    """All that was measured, in one file; returns its path."""
    document = dict(journal.header)
    document["finished"] = _now()
    document["missing"] = missing
    document["runs"] = journal.runs
    path = os.path.join(directory, RESULTS)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")
    os.replace(path + ".new", path)
    return path
