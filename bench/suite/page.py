"""page: all of a result on one page, with nothing fetched from elsewhere."""

import base64
import html
import os

from suite import text
from suite.summary import KINDS, Summary
from suite.table import STATUS_WORDS, Table

WORDS = {"time": "faster", "memory": "leaner"}
NOUNS = {"time": "time", "memory": "memory"}


def _escape(value):
    return html.escape(str(value), quote=True)


def _percent(ratio):
    """A ratio in words: 12 % less, 3 % more, the same."""
    by = round(abs(1 - ratio) * 100)
    if by == 0:
        return "the same"
    return f"{by}\u00a0% {'less' if ratio < 1 else 'more'}"


class Page:
    def __init__(self, results, pictures, problems):
        self.results = results
        self.pictures = pictures
        self.problems = problems
        self.summary = Summary(results)

    def html(self):
        here = os.path.dirname(os.path.realpath(__file__))
        with open(os.path.join(here, "page.css"), encoding="utf-8") as file:
            style = file.read()
        body = "\n".join(
            [
                self._head(),
                self._big_figures(),
                self._figures(""),
                self._behind(),
                *(self._group(group) for group in self.results.groups()),
                self._failures(),
                self._method(),
            ]
        )
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n'
            '<meta charset="utf-8">\n<meta name="viewport" '
            'content="width=device-width, initial-scale=1">\n'
            f"<title>{_escape(self.summary.subject)}: benchmark results</title>"
            f"\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n"
            "</main>\n</body>\n</html>\n"
        )

    # -- the top ---

    def _means(self):
        summary = self.summary
        return {
            kind: (
                summary.mean_ratio(summary.subject, None, kind),
                summary.mean_ratio(summary.subject, summary.baseline, kind),
            )
            for kind in KINDS
        }

    def _head(self):
        summary = self.summary
        parts = []
        for kind, (_, to_base) in self._means().items():
            if to_base is not None and summary.subject != summary.baseline:
                parts.append(f"{_percent(to_base.value)} {NOUNS[kind]}")
        answer = ""
        if parts:
            answer = (
                f"On average {summary.subject} takes "
                f"{' and '.join(parts)} than {summary.baseline}."
            ).replace("the same time than", "the same time as")
        groups = '<a href="#behind">Where it is behind</a>' + "".join(
            f'<a href="#{_escape(g)}">{_escape(text.GROUP_TITLES.get(g, g))}'
            "</a>"
            for g in self.results.groups()
        )
        return (
            f"<header><p class=kicker>{_escape(summary.subject)}: benchmark "
            f"results</p><h1>{_escape(answer) or 'Results'}</h1>"
            f"<p class=fine>{_escape(text.measured_on(self.results.document))}"
            f"</p><nav>{groups}</nav></header>"
        )

    def _big_figures(self):
        """Three numbers against the best other allocator of each row."""
        cards = []
        for kind, (to_best, _) in self._means().items():
            if to_best is None:
                continue
            standings = self.summary.standings(kind)
            ahead = sum(s.is_ahead() for s in standings)
            behind = sum(s.is_behind() for s in standings)
            worst = standings[0]
            cards.append(
                f"<div class=card><p class=big>{to_best.value:.2f}×</p>"
                f"<p>the {NOUNS[kind]} of the <em>best other</em> allocator "
                f"of each row, on average</p><p class=fine>{WORDS[kind]} than "
                f"every other in {ahead} of {len(standings)} rows, behind the "
                f"best in {behind}; worst <code>{_escape(worst.row)}</code> at "
                f"{worst.ratio.value:.2f}×</p></div>"
            )
        return f"<section class=cards>{''.join(cards)}</section>"

    def _behind(self):
        """Where the subject is behind, the worst first."""
        tables = "".join(self._behind_in(kind) for kind in KINDS)
        if not tables:
            return ""
        return (
            '<section id="behind"><h2>Where '
            f"{_escape(self.summary.subject)} is behind</h2>"
            "<p class=fine>Rows in which another allocator is better by more "
            "than 2 %, and surely so.</p>"
            f"<div class=cards>{tables}</div></section>"
        )

    def _behind_in(self, kind):
        """One table: the worst ten at once, the others to be unfolded."""
        rows = [
            f"<tr><td><code>{_escape(s.row)}</code>"
            f"<td class=n>{s.ratio.value:.2f}×<td>{_escape(s.other)}</tr>"
            for s in self.summary.standings(kind)
            if s.is_behind()
        ]
        if not rows:
            return ""
        head = "<tr><th>row<th class=n>to the best<th>which is</tr>"
        more = ""
        if len(rows) > 10:
            more = (
                f"<details><summary>{len(rows) - 10} more</summary><table>"
                f"{''.join(rows[10:])}</table></details>"
            )
        return (
            f"<div><h3>In {NOUNS[kind]}: {len(rows)} of "
            f"{len(self.summary.rows(kind))} rows</h3><table>{head}"
            f"{''.join(rows[:10])}</table>{more}</div>"
        )

    # -- groups ---

    def _figures(self, group):
        shown = []
        for chart, path in self.pictures.get(group, []):
            with open(path, "rb") as file:
                data = base64.b64encode(file.read()).decode()
            wide = " class=tall" if chart.size[1] > 500 else ""
            shown.append(
                f"<figure{wide}><figcaption><b>{_escape(chart.title)}</b> "
                f"{_escape(chart.caption)}</figcaption><img "
                f'alt="{_escape(chart.title)}" '
                f'src="data:image/svg+xml;base64,{data}"></figure>'
            )
        return f"<section class=figures>{''.join(shown)}</section>"

    def _group(self, group):
        title = text.GROUP_TITLES.get(group, group)
        return (
            f'<section id="{_escape(group)}"><h2>{_escape(title)}</h2>'
            f"{self._figures(group)}"
            f"{''.join(self._table(group, kind) for kind in KINDS)}</section>"
        )

    def _table(self, group, kind):
        names = self.summary.rows(kind, group)
        if not names:
            return ""
        table = Table(self.results)
        heads = "".join(
            f"<th class=n>{_escape(a)}" for a in self.results.allocators
        )
        rows = "".join(self._row(table, name, kind) for name in names)
        return (
            f"<details><summary>{NOUNS[kind]} of {len(names)} rows, in figures"
            f"</summary><div class=wide><table><tr><th>row{heads}<th class=n>"
            f"to {_escape(self.summary.baseline)}<th class=n>to the best"
            f"</tr>{rows}</table></div></details>"
        )

    def _row(self, table, name, kind):
        row = self.results.row(name)
        best = self.summary.best(name, kind)
        cells = ""
        for allocator in self.results.allocators:
            cell = table.cell(row, allocator, kind, None)
            mark = " best" if allocator == best else ""
            cells += f'<td class="n{mark}">{_escape(cell)}'
        subject = self.summary.subject
        other = self.results.best_other(name, subject, kind)
        ratios = [
            self.results.ratio(name, subject, base, kind) if base else None
            for base in (self.summary.baseline, other)
        ]
        cells += "".join(
            f"<td class=n>{_escape(text.short_ratio(r))}" for r in ratios
        )
        return (
            f'<tr><td title="{_escape(row["purpose"])}">'
            f"<code>{_escape(name)}</code>{cells}</tr>"
        )

    # -- the end ---

    def _failures(self):
        said = {
            f"<li><code>{_escape(run['row'])}</code> on "
            f"{_escape(run['allocator'])}: {STATUS_WORDS[run['status']]}: "
            f"{_escape(run['message'])}": None
            for run in self.results.failures()
        }
        for why in self.results.document.get("missing", {}).values():
            said[f"<li>{_escape(why)}"] = None
        for problem in self.problems:
            said[f"<li>{_escape(problem)}"] = None
        if not said:
            return ""
        return f"<section><h2>What did not run</h2><ul>{''.join(said)}</ul></section>"

    def _method(self):
        machine = "".join(
            f"<tr><td>{_escape(key.replace('_', ' '))}<td>{_escape(value)}</tr>"
            for key, value in self.results.machine.items()
        )
        libraries = "".join(
            f"<tr><td>{_escape(a['name'])}<td>"
            f"{_escape(a.get('version') or a.get('path', ''))}</tr>"
            for a in self.results.document["allocators"]
        )
        return (
            "<section><h2>How this was measured</h2><p>Every allocator is "
            "preloaded into the same binaries, and a witness confirms whose "
            "malloc each program had. In each round every row runs on every "
            "allocator in turn; ratios are formed within a round, so that a "
            "machine that drifts cancels out. Shown are medians, and 95 % "
            "intervals by bootstrap. <code>bench/README.md</code> says more, "
            "and <code>results.json</code> beside this page has every sample."
            "</p><div class=wide><table>"
            f"{machine}{libraries}</table></div></section>"
        )
