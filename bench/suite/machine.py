"""machine: what the results were measured on."""

import os
import platform
import re
import subprocess


def _first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _output(*command, cwd=None):
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=cwd
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            match = re.search(
                r"^(?:model name|Model)\s*: (.*)$", file.read(), re.M
            )
            return match[1] if match else platform.machine()
    except OSError:
        return platform.machine()


def describe(source_directory):
    """The document's "machine"."""
    thp = _first_line("/sys/kernel/mm/transparent_hugepage/enabled")
    chosen = re.search(r"\[(\w+)\]", thp)
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE")
        * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "governor": _first_line(
            "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        )
        or "none",
        "transparent_hugepages": chosen[1] if chosen else "unknown",
        "libc": " ".join(platform.libc_ver()),
        "compiler": _output("cc", "--version").partition("\n")[0],
        "commit": _output(
            "git", "rev-parse", "--short", "HEAD", cwd=source_directory
        )
        or "unknown",
        "dirty": bool(
            _output(
                "git", "status", "--porcelain", "-uno", cwd=source_directory
            )
        ),
        "load": os.getloadavg()[0],
    }


def warnings(machine):
    """What makes results here less certain, a sentence each."""
    found = []
    if machine["load"] > 0.5:
        found.append(
            f"the machine is busy (load {machine['load']:.1f}): close what else runs"
        )
    if machine["governor"] not in ("none", "performance"):
        found.append(
            f'the frequency governor is "{machine["governor"]}", not "performance"'
        )
    if machine["dirty"]:
        found.append("the source tree has changes that are not committed")
    return found
