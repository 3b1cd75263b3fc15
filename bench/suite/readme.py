"""readme: the short table of results in the project's README."""

import os

from suite import text
from suite.summary import KINDS
from suite.table import Table, _table

BEGIN = "<!-- bench results: begin -->"
END = "<!-- bench results: end -->"


class NoMarkers(Exception):
    """The README has no place for the table."""


def _standings(summary, kind, n=3):
    """The best and the worst rows, as lines."""
    standings = summary.standings(kind)
    name = {"time": "Time", "memory": "Memory"}[kind]
    lines = []
    for word, some in (("best", standings[::-1][:n]), ("worst", standings[:n])):
        if some:
            rows = ", ".join(
                f"`{s.row}` {s.ratio.value:.2f} ({s.other})" for s in some
            )
            lines.append(f"- {name}, {word} rows: {rows}.")
    return lines


def short_table(results):
    table = Table(results)
    summary = table.summary
    head = [f"to {summary.baseline}", *results.allocators]
    head.append(f"{summary.subject} to best other")
    rows = list(table.mean_rows())
    for group in results.groups():
        rows += table.mean_rows(group)
    lines = _table(head, rows)
    lines += [
        "Geometric means over the rows; below 1 is faster or leaner. The last",
        "column compares with the best other allocator of each single row, and so",
        "do these:",
        "",
    ]
    for kind in KINDS:
        lines += _standings(summary, kind)
    return lines + ["", f"Measured {text.measured_on(results.document)}."]


def update(path, results):
    """Puts the table between the markers of the file at PATH."""
    with open(path, encoding="utf-8") as file:
        content = file.read()
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkers(f"{path}: there are no lines {BEGIN} and {END}")
    lines = "\n".join(short_table(results))
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{lines}\n{end}{after}")
    os.replace(path + ".new", path)
