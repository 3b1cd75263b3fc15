"""results: the file that bench/run writes, and questions to it."""

import json
from collections import defaultdict

from suite.estimate import estimate, median

FORMAT = "tarn-bench 1"

# What is left of 300 MiB matters; whether it is 60 KiB or 600 does not. Ratios
# of memory take less than this for this.
LEAST_BYTES = 1 << 20


class Unreadable(Exception):
    """Not a file of results; the message says why."""


class Results:
    """The results of one run of the suite.

    A row's KIND is "time" or "memory": which of its figures is meant.
    """

    def __init__(self, document):
        if document.get("format") != FORMAT:
            raise Unreadable(f'its format is not "{FORMAT}"')
        self.document = document
        self.machine = document["machine"]
        self.allocators = [a["name"] for a in document["allocators"]]
        self.rows = document["rows"]
        self.runs = document["runs"]
        self._row = {row["name"]: row for row in self.rows}
        self._runs = defaultdict(list)
        for run in self.runs:
            self._runs[run["row"], run["allocator"]].append(run)

    @classmethod
    def load(cls, path):
        try:
            with open(path, encoding="utf-8") as file:
                return cls(json.load(file))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{path}: not results of bench/run: {error}")
        except OSError as error:
            raise Unreadable(f"{path}: {error.strerror}")

    def row(self, name):
        return self._row[name]

    def groups(self):
        """Names of groups, in the order of their first rows."""
        return list(dict.fromkeys(row["group"] for row in self.rows))

    def runs_of(self, row_name, allocator):
        return self._runs[row_name, allocator]

    def failures(self):
        return [run for run in self.runs if run["status"] != "ok"]

    def figure_name(self, row_name, kind):
        """The row's figure of this KIND, or None."""
        name = self._row[row_name].get(kind)
        return None if name in (None, "none") else name

    def values(self, row_name, allocator, figure):
        """[(round, value)] of the runs that went well."""
        return [
            (run["round"], run["figures"][figure])
            for run in self._runs[row_name, allocator]
            if run["status"] == "ok" and figure in run["figures"]
        ]

    def median(self, row_name, allocator, kind):
        """None if there is no value."""
        figure = self.figure_name(row_name, kind)
        values = [v for _, v in self.values(row_name, allocator, figure)]
        return median(values) if values else None

    def estimate(self, row_name, allocator, kind):
        """An Estimate of the figure itself, or None."""
        figure = self.figure_name(row_name, kind)
        values = [v for _, v in self.values(row_name, allocator, figure)]
        return estimate(values) if values else None

    def comparable(self, row_name, allocator, kind):
        """{round: value}, as ratios are formed of them."""
        figure = self.figure_name(row_name, kind)
        least = 0
        if kind == "memory" and figure is not None and "_bytes" in figure:
            least = LEAST_BYTES
        return {
            round_: max(value, least)
            for round_, value in self.values(row_name, allocator, figure)
            if max(value, least) > 0
        }

    def ratios(self, row_name, allocator, base, kind):
        """{round: the ratio to BASE}, of the rounds that have both."""
        below = self.comparable(row_name, base, kind)
        values = self.comparable(row_name, allocator, kind)
        return {
            round_: value / below[round_]
            for round_, value in values.items()
            if round_ in below
        }

    def ratio(self, row_name, allocator, base, kind):
        """An Estimate of the ratio to BASE, or None.

        Formed within rounds, so that a machine that drifts cancels out.
        """
        ratios = self.ratios(row_name, allocator, base, kind)
        return estimate(ratios.values()) if ratios else None

    def best_other(self, row_name, of, kind):
        """The allocator with the least median, OF left out; or None."""
        medians = {
            name: self.median(row_name, name, kind)
            for name in self.allocators
            if name != of
        }
        known = [name for name in medians if medians[name] is not None]
        return min(known, key=medians.__getitem__) if known else None
