"""plots: which pictures a result gives."""

import math
import os

from suite.estimate import median
from suite.gnuplot import (
    Chart,
    GnuplotFailed,
    GnuplotMissing,
    colours,
    quoted,
)
from suite.summary import KINDS, Summary

ORDERS = ("pairs", "lifo", "fifo", "random")
ORDER_TITLES = {
    "pairs": "Each block freed before the next is taken",
    "lifo": "Bursts, the last block freed first",
    "fifo": "Bursts, the first block freed first",
    "random": "Bursts, freed in random order",
}
RSS_GROUPS = ("memory", "programs")


class Plots:
    def __init__(self, results):
        self.results = results
        self.summary = Summary(results)
        self.colours = colours(results.allocators)

    def charts(self):
        """{group: charts}; those of "" are about the whole."""
        found = {"": [self.means(kind) for kind in KINDS]}
        for group in self.results.groups():
            charts = [self.ratios(group, kind) for kind in KINDS]
            if group == "micro":
                charts += [self.cost_by_size(order) for order in ORDERS]
            charts += self.costs_by_threads(group)
            charts += self.latencies(group)
            charts += self.rss_per_live(group)
            if group in RSS_GROUPS:
                charts += [
                    self.rss(name)
                    for name in self._names(group)
                    if name not in self._plotted("rss_per_live")
                ]
            found[group] = charts
        return {
            group: [c for c in charts if c is not None and not c.is_empty()]
            for group, charts in found.items()
        }

    def _names(self, group):
        return [r["name"] for r in self.results.rows if r["group"] == group]

    def _line(self, allocator, extra=""):
        """The look of an allocator's line; the subject's is the boldest."""
        is_subject = allocator == self.summary.subject
        width = 3 if is_subject else 1.6
        return (
            f'linecolor rgb "{self.colours[allocator]}" linewidth {width} '
            f"title {quoted(allocator)} {extra}"
        )

    # -- means and ratios ---

    def means(self, kind):
        """Bars: the geometric mean of each allocator to the baseline."""
        summary = self.summary
        bars = []
        for name in self.results.allocators:
            mean = summary.mean_ratio(name, summary.baseline, kind)
            if mean is not None:
                bars.append((name, mean))
        bars.sort(key=lambda bar: bar[1].value)
        title = {"time": "Time", "memory": "Memory"}[kind]
        chart = Chart(
            f"means-{kind}",
            f"{title}, relative to {summary.baseline}",
            "Geometric mean over the rows that all have run; shorter is better.",
            size=(520, 90 + 40 * len(bars)),
        )
        if not bars:
            return None
        chart.add("unset key")
        chart.add("unset grid")
        chart.add("set style fill solid 0.9 noborder")
        chart.add("set border 0")
        chart.add("set xtics format ''")
        chart.add("unset xtics")
        chart.add(f"set yrange [{len(bars) - 0.4}:-0.6]")
        high = max(bar[1].high for bar in bars)
        chart.add(f"set xrange [0:{high * 1.2}]")
        labels = ", ".join(f"{quoted(n)} {i}" for i, (n, _) in enumerate(bars))
        chart.add(f"set ytics ({labels}) scale 0")
        for i, (name, mean) in enumerate(bars):
            data = chart.block(
                [(mean.value / 2, i, 0, mean.value, i - 0.32, i + 0.32)]
            )
            chart.plot(
                data,
                "using 1:2:3:4:5:6 with boxxyerror "
                f'linecolor rgb "{self.colours[name]}" notitle',
            )
            error = chart.block([(mean.value, i, mean.low, mean.high)])
            chart.plot(
                error,
                "using 1:2:3:4 with xerrorbars pointtype 0 linewidth 1.5 "
                'linecolor rgb "#333333" notitle',
            )
            chart.add(
                f'set label "{mean.value:.2f}" at {mean.high}, {i} offset 1, 0 '
                'textcolor "#222222"'
            )
        return chart

    def ratios(self, group, kind):
        """A line for each row, a point with its interval for each allocator."""
        summary = self.summary
        names = summary.rows(kind, group)
        if not names or len(self.results.allocators) < 2:
            return None
        title = {"time": "Time", "memory": "Memory"}[kind]
        chart = Chart(
            f"{group}-{kind}",
            f"{title} of each row, relative to {summary.baseline}",
            "Left is better. The bars are 95 % intervals of the median.",
            size=(760, 110 + 26 * len(names)),
        )
        others = [a for a in self.results.allocators if a != summary.subject]
        for i, allocator in enumerate([*others, summary.subject]):
            rows = []
            for y, name in enumerate(names):
                found = summary.results.ratio(
                    name, allocator, summary.baseline, kind
                )
                if found is not None:
                    rows.append((found.value, y, found.low, found.high))
            if rows:
                big = allocator == summary.subject
                chart.plot(
                    chart.block(rows),
                    f"using 1:2:3:4 with xerrorbars pointtype 7 "
                    f"pointsize {1.15 if big else 0.75} "
                    + self._line(allocator),
                )
        chart.add("set logscale x 2")
        marks = ", ".join(
            f"{quoted(f'{2**k}×' if k >= 0 else f'1/{2**-k}')} {2.0**k}"
            for k in range(-10, 11)
        )
        chart.add(f"set xtics ({marks})")
        chart.add(f"set yrange [{len(names) - 0.4}:-0.7]")
        labels = ", ".join(f"{quoted(n)} {y}" for y, n in enumerate(names))
        chart.add(f"set ytics ({labels}) scale 0")
        chart.add("set key outside top center horizontal")
        chart.add(
            'set arrow from 1, graph 0 to 1, graph 1 nohead linecolor "#888888"'
        )
        return chart

    # -- curves ---

    def _curve(self, row_names, allocator, series):
        """[(x, y)]: at each x the median over the runs of all these rows."""
        at = {}
        for name in row_names:
            for run in self.results.runs_of(name, allocator):
                if run["status"] == "ok":
                    for x, y in run["points"].get(series, []):
                        at.setdefault(x, []).append(y)
        return [(x, median(at[x])) for x in sorted(at)]

    def _add_curves(self, chart, row_names, series, extra=""):
        others = [
            a for a in self.results.allocators if a != self.summary.subject
        ]
        for allocator in [*others, self.summary.subject]:
            curve = self._curve(row_names, allocator, series)
            if curve:
                chart.plot(
                    chart.block(curve),
                    f"using 1:2 with lines {extra} " + self._line(allocator),
                )

    def _plotted(self, what, group=None):
        return [
            row["name"]
            for row in self.results.rows
            if row.get("plot") == what and group in (None, row["group"])
        ]

    @staticmethod
    def _size_axis(chart, axis="x"):
        chart.add(f"set logscale {axis} 2")
        marks = [
            (8, "8 B"), (64, "64 B"), (512, "512 B"), (4096, "4 KiB"),
            (32768, "32 KiB"), (1 << 18, "256 KiB"), (1 << 21, "2 MiB"),
            (1 << 24, "16 MiB"), (1 << 26, "64 MiB"),
        ]  # fmt: skip
        labels = ", ".join(f'"{label}" {value}' for value, label in marks)
        chart.add(f"set {axis}tics ({labels})")

    @staticmethod
    def _time_axis(chart):
        """Logarithmic, from nanoseconds to seconds."""
        units = (("ns", 1), ("µs", 1000), ("ms", 10**6), ("s", 10**9))
        marks = ", ".join(
            f'"{step} {unit}" {step * ns}'
            for unit, ns in units
            for step in (1, 10, 100)
        )
        chart.add("set logscale y 10")
        chart.add(f"set ytics ({marks})")

    def cost_by_size(self, order):
        chart = Chart(
            f"cost-by-size-{order}",
            ORDER_TITLES[order],
            "Nanoseconds to allocate, touch and free a block, by its size; "
            "both axes are logarithmic.",
        )
        self._add_curves(chart, self._plotted("cost_by_size"), order)
        self._size_axis(chart)
        self._time_axis(chart)
        return chart

    def costs_by_threads(self, group):
        """A chart for each family of rows NAME_tN."""
        families = {}
        for name in self.summary.rows("time", group):
            base, mark, count = name.rpartition("_t")
            if mark and count.isdigit():
                families.setdefault(base, []).append((int(count), name))
        return [
            self._by_threads(group, base, rows)
            for base, rows in families.items()
            if len(rows) > 1
        ]

    def _by_threads(self, group, base, rows):
        chart = Chart(
            f"by-threads-{base}",
            f"{base}: time by threads",
            self.results.row(rows[0][1])["purpose"].partition(";")[0]
            + "; the same work for any number of threads.",
        )
        unit = self.results.row(rows[0][1])["unit"]
        others = [
            a for a in self.results.allocators if a != self.summary.subject
        ]
        for allocator in [*others, self.summary.subject]:
            points = []
            for count, name in rows:
                found = self.results.estimate(name, allocator, "time")
                if found is not None:
                    points.append((count, *found))
            if points:
                chart.plot(
                    chart.block(points),
                    "using 1:2:3:4 with yerrorlines pointtype 7 pointsize 0.8 "
                    + self._line(allocator),
                )
        chart.add("set logscale x 2")
        counts = ", ".join(str(count) for count, _ in rows)
        chart.add(f"set xtics ({counts})")
        chart.add(f"set xrange [{rows[0][0] * 0.9}:{rows[-1][0] * 1.1}]")
        chart.add('set xlabel "threads"')
        chart.add(f'set ylabel "{unit} an operation"')
        chart.add("set yrange [0:]")
        chart.add("set offsets 0, 0, graph 0.25, 0")
        return chart

    def latencies(self, group):
        return [
            self._latency(name, series)
            for name in self._plotted("latency", group)
            for series in ("malloc", "free")
        ]

    def _latency(self, name, series):
        chart = Chart(
            f"{name}-{series}",
            f"{name}: {series}",
            self.results.row(name)["purpose"] + ".",
        )
        self._add_curves(chart, [name], series)
        chart.add("set logscale x 10")
        self._time_axis(chart)
        shares = ", ".join(
            f'"{label}" {beyond}'
            for beyond, label in (
                (2, "50 %%"),
                (10, "90 %%"),
                (100, "99 %%"),
                (1000, "99.9 %%"),
                (10000, "99.99 %%"),
                (100000, "99.999 %%"),
            )
        )
        chart.add(f"set xtics ({shares})")
        chart.add(
            f'set xlabel "share of the calls of {series} that are faster"'
        )
        return chart

    def rss_per_live(self, group):
        charts = []
        for name in self._plotted("rss_per_live", group):
            chart = Chart(
                f"{name}-curve",
                "Memory for each byte asked for, by size",
                "Resident bytes divided by requested bytes; 1 is ideal.",
            )
            self._add_curves(chart, [name], "rss_per_live")
            self._size_axis(chart)
            chart.add("set yrange [0.95:*]")
            chart.add("set key top right")
            charts.append(chart)
        return charts

    def rss(self, name):
        """Resident memory over time, of each allocator's first good run."""
        chart = Chart(
            f"rss-{name}",
            f"{name}: memory over time",
            self.results.row(name)["purpose"] + ". The first run of each.",
        )
        others = [
            a for a in self.results.allocators if a != self.summary.subject
        ]
        longest = 0.0
        for allocator in [*others, self.summary.subject]:
            runs = [
                run["rss"]
                for run in self.results.runs_of(name, allocator)
                if run["status"] == "ok" and len(run["rss"]) > 5
            ]
            if runs:
                longest = max(longest, runs[0][-1][0])
                chart.plot(
                    chart.block([(t, b / (1 << 20)) for t, b in runs[0]]),
                    "using 1:2 with steps " + self._line(allocator),
                )
        if math.isclose(longest, 0):
            return None
        chart.add(f"set xrange [0:{longest * 1.02}]")
        chart.add("set yrange [0:]")
        chart.add("set offsets 0, 0, graph 0.25, 0")
        chart.add('set xlabel "seconds"')
        chart.add('set ylabel "MiB"')
        chart.add("set key outside top center horizontal")
        return chart


def draw_all(results, directory):
    """Draws all charts into DIRECTORY.

    Returns ({group: [(chart, svg path)]}, why some are missing).
    """
    os.makedirs(directory, exist_ok=True)
    drawn, problems = {}, {}
    for group, charts in Plots(results).charts().items():
        drawn[group] = []
        for chart in charts:
            try:
                drawn[group].append((chart, chart.draw(directory)))
            except (GnuplotMissing, GnuplotFailed) as error:
                problems[str(error)] = None
    return drawn, list(problems)
