"""comparison: whether two results differ, or it is noise.

What is compared is not tarn's time but its ratio, within each round, to the
mean of the other allocators that both results have: a machine that was slower
on one day was slower for all. Where there is no other, it is the time itself.

Rows are tested together, so that of a hundred rows that did not change none is
likely to be called changed (Holm's correction of Welch's tests). The mean of a
group and of all rows are tested too: they see a small change everywhere, which
no row alone would show.
"""

import math
from typing import NamedTuple

from suite.estimate import Difference, difference, geometric_mean, holm

# What no time here is trusted to repeat better than, as a share. Memory repeats
# better.
LEAST_DEVIATION = {"time": 0.004, "memory": 0.002}


class Finding(NamedTuple):
    """One row, or a mean of rows, of one kind."""

    name: str
    kind: str
    difference: Difference
    verdict: str  # "slower", "larger", "faster", "smaller" or "same"


WORDS = {
    ("time", True): "slower",
    ("time", False): "faster",
    ("memory", True): "larger",
    ("memory", False): "smaller",
}


def relative(results, row_name, allocator, controls, kind):
    """{round: the allocator's figure / the mean of the controls'}."""
    of_controls = [
        results.comparable(row_name, control, kind) for control in controls
    ]
    values = results.comparable(row_name, allocator, kind)
    return {
        round_: value / geometric_mean(c[round_] for c in of_controls)
        if of_controls
        else value
        for round_, value in values.items()
        if all(round_ in c for c in of_controls)
    }


def usable_controls(old, new, row_name, allocator, kind):
    """The other allocators that have this row in every round of both."""
    return [
        name
        for name in old.allocators
        if name != allocator
        and name in new.allocators
        and all(
            covers(results, row_name, name, allocator, kind)
            for results in (old, new)
        )
    ]


def covers(results, row_name, name, allocator, kind):
    """NAME has a value in every round in which ALLOCATOR has one."""
    rounds = results.comparable(row_name, name, kind).keys()
    return results.comparable(row_name, allocator, kind).keys() <= rounds


def same_command(old, new, row_name):
    return old.row(row_name)["command"] == new.row(row_name)["command"]


def common_rows(old, new):
    names = {row["name"] for row in old.rows}
    return [
        row["name"]
        for row in new.rows
        if row["name"] in names and same_command(old, new, row["name"])
    ]


class Comparison:
    """ALLOCATOR in OLD against ALLOCATOR in NEW.

    Old and new may also be two allocators of the same results, which is the
    most sensitive way: both were measured in the same minutes.
    """

    def __init__(self, old, new, old_name="tarn", new_name="tarn"):
        self.old, self.new = old, new
        self.old_name, self.new_name = old_name, new_name
        self.samples = {}  # (row, kind): ({round: ratio}, {round: ratio})
        for row_name in common_rows(old, new):
            for kind in ("time", "memory"):
                self._take(row_name, kind)

    def _take(self, row_name, kind):
        figure = self.old.figure_name(row_name, kind)
        if figure is None or figure != self.new.figure_name(row_name, kind):
            return
        controls = []
        if self.old is not self.new:
            controls = usable_controls(
                self.old, self.new, row_name, self.new_name, kind
            )
        pair = tuple(
            relative(results, row_name, name, controls, kind)
            for results, name in (
                (self.old, self.old_name),
                (self.new, self.new_name),
            )
        )
        if min(map(len, pair)) >= 2:
            self.samples[row_name, kind] = pair

    def _means(self, names, kind):
        """A mean over rows for each round, of old and of new."""
        pairs = [self.samples[name, kind] for name in names]
        means = []
        for side in (0, 1):
            rounds = set.intersection(*(set(pair[side]) for pair in pairs))
            means.append(
                {
                    r: geometric_mean(pair[side][r] for pair in pairs)
                    for r in rounds
                }
            )
        return tuple(means)

    def _pairs_of_means(self):
        """(name, kind, pair) for each group, and for all rows."""
        for kind in ("time", "memory"):
            rows = [name for name, k in self.samples if k == kind]
            groups = {}
            for name in rows:
                groups.setdefault(self.new.row(name)["group"], []).append(name)
            if len(groups) > 1:
                groups["all rows"] = rows
            for group, names in groups.items():
                pair = self._means(names, kind) if len(names) > 1 else ((), ())
                if min(map(len, pair)) >= 2:
                    yield f"mean of {group}", kind, pair

    def findings(self, tolerance, level=0.05):
        """All that was compared, in two families of tests: rows and means.

        A change of a row below TOLERANCE is called the same, and one of a mean
        below half of it.
        """
        rows = [(name, kind, p) for (name, kind), p in self.samples.items()]
        return _tested(rows, tolerance, level / 2) + _tested(
            list(self._pairs_of_means()), tolerance / 2, level / 2
        )


def _tested(pairs, tolerance, level):
    differences = [
        difference(old.values(), new.values(), LEAST_DEVIATION[kind])
        for _, kind, (old, new) in pairs
    ]
    significant = holm([found.p for found in differences], level)
    return [
        Finding(name, kind, found, _verdict(kind, found, sure, tolerance))
        for (name, kind, _), found, sure in zip(pairs, differences, significant)
    ]


def _verdict(kind, found, is_significant, tolerance):
    by = abs(math.log(found.ratio.value))
    if not is_significant or by < math.log1p(tolerance):
        return "same"
    return WORDS[kind, found.ratio.value > 1]
