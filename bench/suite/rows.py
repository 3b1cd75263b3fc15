"""rows: what the suite runs, as the rows.ini files of its directories say."""

import configparser
import fnmatch
import os
import re
from dataclasses import dataclass

GROUPS = ("micro", "threads", "memory", "latency", "programs", "replay")
MODES = ("full", "quick", "smoke")
KEYS = {
    "purpose",
    "run",
    "quick",
    "smoke",
    "time",
    "memory",
    "unit",
    "plot",
    "rounds",
    "timeout",
}


class BadRow(Exception):
    """A section of rows.ini that cannot be meant; the message says where."""


@dataclass
class Row:
    """One row of the results: a program, its parameters, what is judged."""

    name: str
    group: str
    purpose: str
    arguments: dict  # by mode: the words of the command
    time: str
    memory: str
    unit: str
    plot: str
    rounds: int | None
    timeout_s: float

    def command(self, mode):
        return self.arguments[mode]

    def rounds_among(self, rounds):
        """How often it runs when rows without a wish run ROUNDS times."""
        if self.rounds is None:
            return rounds
        return self.rounds if self.rounds < rounds else 1

    def threads(self):
        """The N of a name that ends in _tN, else None."""
        match = re.search(r"_t(\d+)$", self.name)
        return int(match[1]) if match else None

    def document(self, mode):
        """What the results say of the row."""
        return {
            "name": self.name,
            "group": self.group,
            "purpose": self.purpose,
            "command": " ".join(self.command(mode)),
            "time": self.time,
            "memory": self.memory,
            "unit": self.unit,
            "plot": self.plot,
        }


def _merge(words, changes):
    """WORDS with the name=value words of CHANGES in the place of their own."""
    named = {word.partition("=")[0]: word for word in words[1:]}
    named.update({word.partition("=")[0]: word for word in changes.split()})
    return [words[0], *named.values()]


def _row(group, name, section):
    unknown = set(section) - KEYS
    if unknown:
        raise BadRow(f"{group}: [{name}]: unknown: {', '.join(unknown)}")
    for key in ("purpose", "run", "smoke"):
        if not section.get(key):
            raise BadRow(f"{group}: [{name}]: it has no {key}")
    words = section["run"].split()
    return Row(
        name=name,
        group=group,
        purpose=" ".join(section["purpose"].split()),
        arguments={
            "full": words,
            "quick": _merge(words, section.get("quick", "")),
            "smoke": _merge(words, section["smoke"]),
        },
        time=section.get("time", "none"),
        memory=section.get("memory", "none"),
        unit=section.get("unit", "ns"),
        plot=section.get("plot"),
        rounds=section.getint("rounds"),
        timeout_s=section.getfloat("timeout", 60),
    )


def read_rows(bench_directory):
    """All rows, in the order of the groups and of their files."""
    rows = []
    for group in GROUPS:
        path = os.path.join(bench_directory, group, "rows.ini")
        parser = configparser.ConfigParser(
            interpolation=None, inline_comment_prefixes=("#", ";")
        )
        try:
            with open(path, encoding="utf-8") as file:
                parser.read_file(file)
        except configparser.Error as error:
            raise BadRow(f"{path}: {error}")
        rows += [_row(group, name, parser[name]) for name in parser.sections()]
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise BadRow(f"two rows are called {name}")
    return rows


def choose(rows, patterns, threads):
    """Those that a pattern names, by row or group; with one of the THREADS.

    An empty choice of either kind chooses all.
    """
    for pattern in patterns:
        if not any(_is_named(row, pattern) for row in rows):
            raise BadRow(f'no row and no group is called "{pattern}"')
    return [
        row
        for row in rows
        if (not patterns or any(_is_named(row, p) for p in patterns))
        and (not threads or row.threads() in (None, *threads))
    ]


def _is_named(row, pattern):
    return row.group == pattern or fnmatch.fnmatchcase(row.name, pattern)
