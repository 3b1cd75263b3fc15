"""text: figures as a person reads them."""

GROUP_TITLES = {
    "micro": "One operation at a time",
    "threads": "Several threads",
    "memory": "What is kept",
    "latency": "The slowest calls",
    "programs": "Real programs",
    "replay": "Recorded programs",
}


def digits(value):
    """With three significant digits, and never an exponent."""
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def duration(value, unit):
    """A time in the row's unit; long ones in a larger unit."""
    if unit == "ns" and value >= 1e6:
        return f"{digits(value / 1e6)} ms"
    if unit == "ns" and value >= 1e4:
        return f"{digits(value / 1e3)} µs"
    return f"{digits(value)} {unit}"


def size(value):
    if value >= 1 << 30:
        return f"{digits(value / (1 << 30))} GiB"
    if value >= 1 << 20:
        return f"{digits(value / (1 << 20))} MiB"
    return f"{digits(value / 1024)} KiB"


def figure(value, row, kind):
    """The row's figure of this kind, with its unit."""
    if kind == "time":
        return duration(value, row["unit"])
    return size(value) if row["memory"].endswith("_bytes") else digits(value)


def ratio(found):
    """An Estimate of a ratio: 0.93 (0.91 to 0.95)."""
    if found is None:
        return "–"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def short_ratio(found):
    return "–" if found is None else f"{found.value:.2f}"


def measured_on(document):
    """One line about when and where."""
    machine = document["machine"]
    memory = machine.get("memory_bytes", 0) / (1 << 30)
    dirty = " with changes" if machine.get("dirty") else ""
    rounds = document["rounds"]
    return (
        f"{document['started'][:10]}, {machine.get('cores', '?')} cores of "
        f"{machine.get('cpu', '?')}, {memory:.0f} GiB, Linux "
        f"{machine.get('kernel', '?')}, commit {machine.get('commit', '?')}"
        f"{dirty}, {document['mode']} mode, {rounds} round{'s' if rounds > 1 else ''}"
    )
