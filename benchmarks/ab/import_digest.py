"""A digest of all code that a Python can import: it changes if code is installed, removed or edited."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from benchmarks.paths import CODE
from benchmarks.worker.start import die_with

SUFFIX = re.compile(r"\.(c|cpp|cu|h|pth|py|pyd|so)(\.[\d.]+)?$")


def importable_digest() -> str:
    """Return 16 hexadecimal digits of SHA-256 over path, size and time of each file that can be imported.

    These are the code files in the folders of `sys.path` and of packages that were installed as editable; of
    a checkout of the harness, only the code that measures, not its tests.
    """
    roots = {os.path.realpath(path) for path in (*sys.path, *_editable()) if path}
    if (CODE / "pyproject.toml").exists() and (checkout := os.path.realpath(CODE)) in roots:
        roots = {*(roots - {checkout}), f"{checkout}/benchmarks", f"{checkout}/impls"}
    return files_digest(*roots)


def files_digest(*roots: str) -> str:
    """Return such a digest of the code below the roots, without environments and hidden folders."""
    sha = hashlib.sha256()
    for file, found in sorted({file: found for root in roots for file, found in _code_below(root)}.items()):
        sha.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()[:16]


def _editable() -> Iterator[str]:
    """Return the folders of packages that `pip install --editable` only refers to; see PEP 610."""
    for distribution in importlib.metadata.distributions():
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            yield url2pathname(urlparse(origin["url"]).path)


def _code_below(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Return each file of code in this folder, or of a zip of modules, with its state."""
    path = Path(root)
    if path.is_file():
        yield root, path.stat()
    folders = [root] if path.is_dir() else []
    while folders:
        # A folder that can't be read, or was removed meanwhile, has no code that a process could import.
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders += [entry.path] if _is_entered(entry) else []
                elif SUFFIX.search(entry.name):
                    with contextlib.suppress(FileNotFoundError):  # it leads nowhere, or was removed meanwhile
                        yield entry.path, entry.stat()


def _is_entered(folder: os.DirEntry[str]) -> bool:
    if folder.name.startswith((".", "__pycache__")) or folder.is_symlink():
        return False
    return not Path(folder.path, "pyvenv.cfg").exists()


if __name__ == "__main__":
    die_with(int(sys.argv[1]))  # it takes seconds where much is installed
    sys.stdout.write(importable_digest())
