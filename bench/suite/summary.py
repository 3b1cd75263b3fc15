"""summary: what a report says, as numbers: means, wins, where tarn is behind."""

from typing import NamedTuple, Optional

from suite.estimate import Estimate, estimate, geometric_mean

BASELINE = "jemalloc"
SUBJECT = "tarn"
KINDS = ("time", "memory")


class Standing(NamedTuple):
    """How the subject stands in a row, against the best other there."""

    row: str
    kind: str
    other: str
    ratio: Estimate


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

    def mean_ratio(
        self, allocator, base, kind, group=None
    ) -> Optional[Estimate]:
        """Geometric mean over rows of the ratio to BASE.

        BASE None is the best other than the allocator in each row. Only rows
        that both have count. The interval is that of the rounds' means.
        """
        by_round = []
        for name in self.rows(kind, group):
            other = base or self.results.best_other(name, allocator, kind)
            if other is None:
                continue
            ratios = self.results.ratios(name, allocator, other, kind)
            if ratios:
                by_round.append(ratios)
        if not by_round:
            return None
        rounds = max(map(len, by_round))
        means = [
            geometric_mean(r[i % len(r)] for r in by_round)
            for i in range(rounds)
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
