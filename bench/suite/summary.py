"""summary: what a report says, as numbers: means, wins, where tarn is behind."""

from typing import NamedTuple, Optional

from suite.estimate import Estimate, estimate, geometric_mean, median

# Within this factor two allocators count as even.
EVEN = 1.02

BASELINE = "jemalloc"
SUBJECT = "tarn"
KINDS = ("time", "memory")


class Standing(NamedTuple):
    """How the subject stands in a row, against the best other there."""

    row: str
    kind: str
    other: str
    ratio: Estimate

    def is_ahead(self):
        """Surely so: not by the luck of a few rounds."""
        return self.ratio.high < 1 / EVEN

    def is_behind(self):
        return self.ratio.low > EVEN


class Summary:
    def __init__(self, results):
        self.results = results
        names = results.allocators
        self.subject = SUBJECT if SUBJECT in names else names[0]
        self.baseline = BASELINE if BASELINE in names else names[-1]

    def rows(self, kind, group=None):
        """Names of the rows of this kind, in order."""
        return [
            row["name"]
            for row in self.results.rows
            if row.get(kind) not in (None, "none")
            and group in (None, row["group"])
        ]

    def complete_rows(self, kind, group=None):
        """Rows that every allocator has run: means over others would compare
        different work. Allocators that have run nothing do not count."""
        results = self.results
        rows = self.rows(kind, group)
        medians = {
            name: [results.median(row, name, kind) for row in rows]
            for name in results.allocators
        }
        columns = [m for m in medians.values() if any(v is not None for v in m)]
        return [
            row
            for i, row in enumerate(rows)
            if all(column[i] is not None for column in columns)
        ]

    def mean_ratio(
        self, allocator, base, kind, group=None
    ) -> Optional[Estimate]:
        """Geometric mean over the complete rows of the ratio to BASE.

        BASE None is the best other than the allocator in each row. The interval
        is that of the rounds' means; a row that has run in fewer rounds stands
        in the others with its median.
        """
        by_row = []
        for name in self.complete_rows(kind, group):
            other = base or self.results.best_other(name, allocator, kind)
            if other is not None:
                ratios = self.results.ratios(name, allocator, other, kind)
                if ratios:
                    by_row.append(ratios)
        if not by_row:
            return None
        means = [
            geometric_mean(
                ratios.get(round_, median(ratios.values())) for ratios in by_row
            )
            for round_ in set().union(*by_row)
        ]
        return estimate(means)

    def standings(self, kind):
        """The subject's Standing in each row, the worst first."""
        found = []
        for name in self.rows(kind):
            other = self.results.best_other(name, self.subject, kind)
            if other is None:
                continue
            ratio = self.results.ratio(name, self.subject, other, kind)
            if ratio is not None:
                found.append(Standing(name, kind, other, ratio))
        return sorted(found, key=lambda s: -s.ratio.value)

    def best(self, row_name, kind):
        """The allocator with the least median, or None."""
        medians = {
            name: self.results.median(row_name, name, kind)
            for name in self.results.allocators
        }
        known = {name: m for name, m in medians.items() if m is not None}
        return min(known, key=known.__getitem__) if known else None
