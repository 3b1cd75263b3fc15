"""gnuplot: one chart as SVG and PNG, with its data beside it."""

import html
import os
import re
import subprocess

MISSING = (
    "no pictures: gnuplot is not here; Debian: apt-get install gnuplot-nox"
)

# Colours that people with any colour vision tell apart (Okabe and Ito, 2008).
COLOURS = {
    "tarn": "#d55e00",
    "jemalloc": "#0072b2",
    "mimalloc": "#009e73",
    "tcmalloc": "#cc79a7",
    "glibc": "#7f7f7f",
}
OTHERS = ("#e69f00", "#56b4e9", "#332288", "#999933", "#000000")

STYLE = """
set encoding utf8
set border 3 linecolor "#aaaaaa"
set tics nomirror textcolor "#444444"
set grid linecolor "#e6e6e6" linetype 1 linewidth 1
set title textcolor "#222222" offset 0, -0.4
set key top left Left reverse samplen 1.5 textcolor "#444444"
set xlabel textcolor "#444444"
set ylabel textcolor "#444444"
"""


class GnuplotMissing(Exception):
    """There is no gnuplot; the message says how to get it."""


class GnuplotFailed(Exception):
    """gnuplot did not understand a chart; the message says which and why."""


def colours(names):
    """A colour for each allocator, the same in every chart."""
    others = [name for name in names if name not in COLOURS]
    return {
        **COLOURS,
        **{name: OTHERS[i % len(OTHERS)] for i, name in enumerate(others)},
    }


def quoted(text):
    """A string of gnuplot's, in which nothing has a meaning."""
    return "'" + text.replace("'", "''") + "'"


class Chart:
    """Collects blocks of data and commands; `draw` makes the files."""

    def __init__(self, name, title, caption="", size=(760, 420)):
        self.name = name
        self.title = title
        self.caption = caption[:1].upper() + caption[1:]
        self.size = size
        self.commands = []
        self.plots = []
        self.data = []

    def add(self, command):
        self.commands.append(command)

    def block(self, rows):
        """A block of data; returns the words that name it in a plot."""
        lines = [" ".join(f"{cell:.8g}" for cell in row) for row in rows]
        self.data.append("\n".join(lines))
        return f"DATA index {len(self.data) - 1}"

    def plot(self, block, how):
        self.plots.append(f"{block} {how}")

    def is_empty(self):
        return not self.plots

    def _script(self, directory):
        plots = ", \\\n  ".join(
            p.replace("DATA", f'"{self.name}.dat"') for p in self.plots
        )
        width, height = self.size
        lines = [f"# gnuplot {self.name}.gp", STYLE.strip(), *self.commands]
        body = "\n".join(lines)
        svg = (
            f"set terminal svg size {width},{height} noenhanced "
            'font "Helvetica,Arial,sans-serif,13" background "#ffffff"'
        )
        png = (
            f"set terminal pngcairo size {2 * width},{2 * height} noenhanced "
            'fontscale 1.7 linewidth 1.6 font "DejaVu Sans" '
            'background "#ffffff"'
        )
        return (
            f'{svg}\nset output "{self.name}.svg"\n{body}\nplot {plots}\n'
            f'{png}\nset output "{self.name}.png"\n'
            f"set title {quoted(self.title)}\nreplot\n"
        )

    def draw(self, directory):
        """Writes NAME.dat, .gp, .svg and .png; returns the path of the SVG."""
        base = os.path.join(directory, self.name)
        with open(base + ".dat", "w", encoding="utf-8") as file:
            file.write("\n\n\n".join(self.data) + "\n")
        with open(base + ".gp", "w", encoding="utf-8") as file:
            file.write(self._script(directory))
        try:
            done = subprocess.run(
                ["gnuplot", f"{self.name}.gp"],
                cwd=directory,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise GnuplotMissing(MISSING) from None
        if done.returncode != 0:
            raise GnuplotFailed(f"{base}.gp: {done.stderr.strip()}")
        self._make_scalable(base + ".svg")
        return base + ".svg"

    def _make_scalable(self, path):
        """A size that a page may change. The title stands beside it there, so
        it is in the file but not in the picture."""
        with open(path, encoding="utf-8") as file:
            svg = file.read()
        svg = re.sub(r'<svg\s+width="\d+"\s+height="\d+"', "<svg", svg, count=1)
        title = f"<title>{html.escape(self.title)}</title>"
        svg = re.sub(r"<title>.*?</title>", title, svg, count=1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg)
