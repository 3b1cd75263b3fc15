"""
page.py: judges a page of `tarn report --html`.

    page.py PAGE             is it whole, alone, closed, and readable
    page.py PAGE --has TEXT...  is each in what a reader sees
    page.py PAGE --as JSON   does it tell what the JSON report tells

Says what is wrong, and exits with 1.
"""

import json
import re
import sys
import xml.etree.ElementTree as tree

# What the page is made of: whatever breaks out of its place is something else.
TAGS = set(
    "html head meta title style body header main section footer script h1 h2 "
    "h3 h4 h5 p span b em small code pre a time ul ol li dl div dt dd table "
    "thead tbody tfoot tr th td figure figcaption details summary form label "
    "input fieldset legend select option button output svg g path circle rect "
    "text".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name nonce class id role title hidden "
    "type placeholder checked value aria-live aria-label aria-labelledby "
    "aria-hidden scope open href datetime viewBox preserveAspectRatio width "
    "height x y rx cx cy r d data-verdict data-retained data-own data-count "
    "data-id".split()
)

status = 0


def check(what, is_good):
    global status
    if not is_good:
        print("%s: %s" % (sys.argv[1], what))
        status = 1


def text_of(element):
    return re.sub(r"\s+", " ", "".join(element.itertext()))


def check_parts(page):
    """Nothing is in it but ours, and nothing is fetched."""
    scripts = 0
    for element in page.iter():
        check("a tag %s" % element.tag, element.tag in TAGS)
        scripts += element.tag == "script"
        for name, value in element.attrib.items():
            check("an attribute %s" % name, name in ATTRIBUTES)
            if name == "href":
                check("a link to %s" % value, value.startswith("#"))
    check("%d scripts" % scripts, scripts == 1)
    ids = [e.get("id") for e in page.iter() if e.get("id")]
    check("an id twice", len(ids) == len(set(ids)))
    for element in page.iter("a"):
        check("a link to nothing", element.get("href")[1:] in ids)


def check_source(source):
    check(
        "an address",
        not re.search(r"https?:|//[a-z]", source.split("<body")[0]),
    )
    check("an import", not re.search(r"@import|url\(|@font-face", source))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)
    check("no policy", policy and "default-src 'none'" in policy.group(1))
    check("a policy that lets scripts in", "unsafe" not in policy.group(1))
    check("1 MB", len(source.encode()) < 1000000)


def check_reading(page):
    """Headings in order, tables with heads, pictures with words."""
    level = 0
    for element in page.iter():
        if re.fullmatch("h[1-6]", element.tag):
            new = int(element.tag[1])
            check("h%d after h%d" % (new, level), new <= level + 1)
            level = new
    for table in page.iter("table"):
        check("a table without heads", table.find("thead/tr/th") is not None)
    for cell in page.iter("th"):
        check("a head of nothing", cell.get("scope") in ("col", "row"))
    for picture in page.iter("svg"):
        is_told = picture.get("role") == "img" and picture.get("aria-label")
        check("a picture without words", is_told or picture.get("aria-hidden"))
    for details in page.iter("details"):
        check("details without a line", details[0].tag == "summary")
    for entry in list(page.iter("input")) + list(page.iter("select")):
        check(
            "an input without a label",
            any(entry in list(label.iter()) for label in page.iter("label")),
        )


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [
        p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4
        for p in parts
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b + 0.05) / (a + 0.05)


def mixed(a, b, share):
    """SHARE of A, the rest of B."""
    return "#" + "".join(
        "%02x"
        % round(
            int(a[i : i + 2], 16) * share + int(b[i : i + 2], 16) * (1 - share)
        )
        for i in (1, 3, 5)
    )


def check_colors(style):
    """Text can be read: 4.5 to 1, in light and in dark."""
    light, dark = style.split("prefers-color-scheme: dark")[:2]
    colors = {}
    for part in (light, dark):
        colors.update(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part))
        for name in (
            "text faint link lost cycle inner-cycle shared possible "
            "foreign growing".split()
        ):
            for ground in ("ground", "card", "sunk"):
                ratio = contrast(colors[name], colors[ground])
                check("%s on %s: %.2f" % (name, ground, ratio), ratio >= 4.5)
            ratio = contrast(
                colors[name], mixed(colors[name], colors["card"], 0.11)
            )
            if name not in ("text", "faint", "link"):
                check("a badge %s: %.2f" % (name, ratio), ratio >= 4.5)


def check_finding(element, finding):
    what = "finding %d: " % finding["id"]
    check(what + "verdict", element.get("data-verdict") == finding["verdict"])
    for name in ("retained", "own"):
        amount = finding[name]["bytes"]
        check(what + name, int(element.get("data-" + name)) == amount)
    text = text_of(element)
    if element.tag != "details":
        return
    frames = [f["function"] for f in finding["site"] if f["function"]]
    for name in frames[
        : frames.index("main") + 1 if "main" in frames else None
    ]:
        check(what + "no call of %s" % name, name[:40] in text)
    rows = [
        [text_of(cell) for cell in row]
        for table in element.iter("table")
        if text_of(table.find("thead/tr/th")) == "in block"
        for row in table.findall("tbody/tr")
    ]
    for edge, row in zip(finding["edges"], rows):
        to = "#%d" % edge["to"] + (
            "+%d" % edge["to_offset"] if edge["to_offset"] else ""
        )
        check(
            what + "a pointer %s" % row,
            row[:3] == ["#%d" % edge["from"], "+%d" % edge["offset"], to],
        )
        check(what + "closes", (row[3] != "") == edge["closes"])
    check(what + "pointers", len(rows) == min(24, len(finding["edges"])))
    if "cycle" in finding["verdict"]:
        check_graph(what, element, finding)


def check_graph(what, element, finding):
    (graph,) = [s for s in element.iter("svg") if s.get("class") == "graph"]
    width, height = [float(n) for n in graph.get("viewBox").split()[2:]]
    nodes = [g for g in graph.iter("g") if g.get("class") == "node"]
    check(what + "nodes", len(nodes) == len(finding["members"]))
    indexes = {text_of(g.find("text")) for g in nodes}
    check(what + "indexes", len(indexes) == len(nodes))
    pairs = {(e["from"], e["to"]) for e in finding["edges"]}
    closing = {(e["from"], e["to"]) for e in finding["edges"] if e["closes"]}
    edges = [
        g for g in graph.iter("g") if g.get("class", "").startswith("edge")
    ]
    check(what + "edges drawn", len(edges) == len(pairs))
    marked = [g for g in edges if "closes" in g.get("class")]
    check(what + "edges marked", len(marked) == len(closing))
    for circle in graph.iter("circle"):
        x, y, r = [float(circle.get(name)) for name in ("cx", "cy", "r")]
        check(
            what + "a node beside the picture",
            r <= x <= width - r and r <= y <= height - r,
        )
    places = [
        (float(c.get("cx")), float(c.get("cy"))) for c in graph.iter("circle")
    ]
    for i, one in enumerate(places):
        for other in places[:i]:
            gap = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5
            check(what + "nodes on each other", gap > 56)
    check(what + "not a number", "nan" not in tree.tostring(graph, "unicode"))


def check_same(page, path):
    report = json.load(open(path))
    lists = [e for e in page.iter() if "finding" in e.get("class", "").split()]
    findings = [f for p in report["processes"] for f in p["findings"]]
    check(
        "%d findings instead of %d" % (len(lists), len(findings)),
        len(lists) == len(findings),
    )
    for finding in findings:
        found = [e for e in lists if e.get("data-id") == str(finding["id"])]
        check(
            "finding %d is there %d times" % (finding["id"], len(found)),
            len(found) == 1,
        )
        if found:
            check_finding(found[0], finding)


def main():
    source = open(sys.argv[1], encoding="utf-8").read()
    try:
        page = tree.fromstring(source)
    except tree.ParseError as error:
        check("not well-formed: %s" % error, False)
        return
    if sys.argv[2:3] == ["--has"]:
        text = text_of(page)
        for expected in sys.argv[3:]:
            check("not there: %s" % expected, expected in text)
    elif sys.argv[2:3] == ["--as"]:
        check_same(page, sys.argv[3])
    else:
        check_source(source)
        check_parts(page)
        check_reading(page)
        check_colors(page.find("head/style").text)


main()
sys.exit(status)
