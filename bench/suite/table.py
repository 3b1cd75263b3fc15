"""table: results as Markdown."""

from suite import text
from suite.summary import KINDS, Summary

STATUS_WORDS = {
    "failed": "failed",
    "timeout": "timed out",
    "not_preloaded": "not preloaded",
    "wrong": "wrong result",
}


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _table(head, rows):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return [_line(head), _line(rule), *map(_line, rows), ""]


class Table:
    def __init__(self, results):
        self.results = results
        self.summary = Summary(results)

    def markdown(self):
        lines = ["# Results of the benchmark suite", ""]
        lines += [text.measured_on(self.results.document) + ".", ""]
        lines += self.means()
        for group in self.results.groups():
            for kind in KINDS:
                lines += self.group(group, kind)
        lines += self.further_figures()
        lines += self.failures()
        lines += self.allocators()
        return "\n".join(lines) + "\n"

    def mean_rows(self, group=None):
        """Means to the baseline, and the subject's to the best other."""
        summary = self.summary
        for kind in KINDS:
            ratios = [
                text.short_ratio(
                    summary.mean_ratio(name, summary.baseline, kind, group)
                )
                for name in self.results.allocators
            ]
            if all(r == "–" for r in ratios):
                continue
            best = summary.mean_ratio(summary.subject, None, kind, group)
            where = kind if group is None else f"{group}, {kind}"
            yield [where, *ratios, text.short_ratio(best)]

    def means(self):
        """Geometric means, over all rows and by group."""
        summary = self.summary
        head = [f"to {summary.baseline}", *self.results.allocators]
        head.append(f"{summary.subject} to best other")
        rows = list(self.mean_rows())
        for group in self.results.groups():
            rows += self.mean_rows(group)
        lines = ["## Geometric means", ""]
        lines += ["Below 1 is faster, or leaner.", ""]
        return lines + _table(head, rows)

    def cell(self, row, allocator, kind, best):
        found = self.results.estimate(row["name"], allocator, kind)
        if found is None:
            runs = self.results.runs_of(row["name"], allocator)
            return STATUS_WORDS.get(runs[-1]["status"], "–") if runs else "–"
        shown = text.figure(found.value, row, kind)
        half = (found.high - found.low) / 2 / found.value * 100
        shown = f"**{shown}**" if allocator == best else shown
        return f"{shown} ±{half:.0f} %" if half >= 0.5 else shown

    def row(self, name, kind):
        summary, results = self.summary, self.results
        row = results.row(name)
        best = summary.best(name, kind)
        subject = summary.subject
        other = results.best_other(name, subject, kind)
        to_base = results.ratio(name, subject, summary.baseline, kind)
        to_best = results.ratio(name, subject, other, kind) if other else None
        return [
            f"`{name}`",
            *(self.cell(row, a, kind, best) for a in results.allocators),
            text.ratio(to_base),
            text.ratio(to_best),
        ]

    def group(self, group, kind):
        names = self.summary.rows(kind, group)
        if not names:
            return []
        subject, base = self.summary.subject, self.summary.baseline
        head = [kind, *self.results.allocators]
        head += [f"{subject}/{base}", f"{subject}/best other"]
        title = text.GROUP_TITLES.get(group, group)
        lines = [f"## {title}: {kind}", ""]
        lines += _table(head, [self.row(name, kind) for name in names])
        if kind == "time":
            lines += [
                f"- `{name}`: {self.results.row(name)['purpose']}."
                for name in names
            ] + [""]
        return lines

    def _other_figures(self, name):
        """Metrics of the workload's own that are not what is judged."""
        row = self.results.row(name)
        known = {row["time"], row["memory"], "peak_rss_bytes"}
        return sorted(
            {
                figure
                for allocator in self.results.allocators
                for run in self.results.runs_of(name, allocator)
                for figure in run["figures"]
                if figure.endswith(("_bytes", "_ns")) and figure not in known
            }
        )

    def further_figures(self):
        lines = ["## Further figures", ""]
        for row in self.results.rows:
            rows = []
            if row["group"] not in ("memory", "latency"):
                continue
            for figure in self._other_figures(row["name"]):
                cells = [f"`{figure}`"]
                for allocator in self.results.allocators:
                    values = self.results.values(row["name"], allocator, figure)
                    values = sorted(value for _, value in values)
                    show = (
                        text.size
                        if figure.endswith("_bytes")
                        else lambda ns: text.duration(ns, "ns")
                    )
                    middle = values[len(values) // 2] if values else None
                    cells.append("–" if middle is None else show(middle))
                rows.append(cells)
            if rows:
                head = [f"`{row['name']}`", *self.results.allocators]
                lines += _table(head, rows)
        return lines if len(lines) > 2 else []

    def failures(self):
        """What did not run, and why, each once."""
        said = {
            f"- `{run['row']}` on {run['allocator']}: "
            f"{STATUS_WORDS[run['status']]}: {run['message']}": None
            for run in self.results.failures()
        }
        for why in self.results.document.get("missing", {}).values():
            said[f"- {why}"] = None
        return ["## What did not run", "", *said, ""] if said else []

    def allocators(self):
        lines = ["## Allocators", ""]
        for allocator in self.results.document["allocators"]:
            version = allocator.get("version") or "of this commit"
            if allocator["name"] not in ("tarn",) and not allocator.get(
                "version"
            ):
                version = allocator.get("path", "")
            lines.append(f"- {allocator['name']}: {version}")
        return lines
