"""allocators: the libraries that are compared, and where they are."""

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass


class NotFound(Exception):
    """A library that is not there; the message says how to get it."""


@dataclass
class Allocator:
    name: str
    path: str
    version: str = ""

    def document(self):
        """With a sum of the file, by which a resumed run knows it again."""
        with open(self.path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()[:16]
        return {
            "name": self.name,
            "path": self.path,
            "version": self.version,
            "sha256": digest,
        }


# Name, what the library is called, and Debian's package. glibc's malloc is
# preloaded like the others: some programs are linked with another.
KNOWN = {
    "glibc": ("libc.so.6", "libc6"),
    "jemalloc": ("libjemalloc.so.2", "libjemalloc2"),
    "mimalloc": ("libmimalloc.so.2", "libmimalloc2.0"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
}


def _loaded_path(soname):
    """Where the dynamic linker finds SONAME, without loading it; or None."""
    listing = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False
    ).stdout
    match = re.search(
        rf"^\s*{re.escape(soname)} .*x86-64.* => (\S+)$", listing, re.M
    ) or re.search(rf"^\s*{re.escape(soname)} .* => (\S+)$", listing, re.M)
    return match[1] if match else None


def _package_version(package):
    try:
        return subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def tarn(library):
    if not os.path.isfile(library):
        raise NotFound(f"tarn: {library} is not there; run make first")
    return Allocator("tarn", os.path.realpath(library))


def known(name):
    """One of KNOWN; raises NotFound with how to get it."""
    soname, package = KNOWN[name]
    path = _loaded_path(soname)
    if path is None:
        raise NotFound(
            f"{name}: {soname} is not here; Debian: apt-get install {package}"
        )
    return Allocator(name, os.path.realpath(path), _package_version(package))


def given(word):
    """NAME=PATH, as a user writes it."""
    name, equals, path = word.partition("=")
    if not re.fullmatch(r"[\w.-]+", name) or not equals:
        raise NotFound(f'"{word}" is not of the form NAME=PATH')
    if not os.path.isfile(path):
        raise NotFound(f"{name}: no such file: {path}")
    return Allocator(name, os.path.realpath(path))
