"""Everything that a Python can import, fingerprinted: was anything installed, removed or edited since?"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = (".c", ".cpp", ".cu", ".h", ".pth", ".py", ".pyd", ".so")


def importable_digest(leaving_out: Path) -> str:
    """Give 16 hexadecimal digits of SHA-256 over path, size and time of each file that can be imported.

    That is code in the folders of `sys.path` and of packages that were installed to be edited. Environments
    and hidden folders within them are none of it, nor is the folder to be left out.
    """
    sha = hashlib.sha256()
    roots = {os.path.realpath(path) for path in (*sys.path, *_editable()) if path}
    for file in sorted({file for root in roots for file in _code_below(root, os.path.realpath(leaving_out))}):
        found = os.stat(file)  # noqa: PTH116 - tens of thousands of them
        sha.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return sha.hexdigest()[:16]


def _editable() -> Iterator[str]:
    """Give the folders of packages that `pip install --editable` only refers to; see PEP 610."""
    for distribution in importlib.metadata.distributions():
        told = json.loads(distribution.read_text("direct_url.json") or "{}")
        if told.get("dir_info", {}).get("editable"):
            yield url2pathname(urlparse(told["url"]).path)


def _code_below(root: str, leaving_out: str) -> Iterator[str]:
    if os.path.isfile(root):  # noqa: PTH113 - a zip of modules
        yield root
    for folder, folders, files in os.walk(root):
        folders[:] = [each for each in folders if _is_entered(f"{folder}/{each}", leaving_out)]
        paths = (f"{folder}/{name}" for name in files if name.endswith(CODE))
        yield from filter(os.path.exists, paths)  # a link may lead nowhere


def _is_entered(folder: str, leaving_out: str) -> bool:
    hidden = os.path.basename(folder).startswith((".", "__pycache__"))  # noqa: PTH119 - thousands of them
    return not hidden and folder != leaving_out and not os.path.exists(f"{folder}/pyvenv.cfg")  # noqa: PTH110


if __name__ == "__main__":
    sys.stdout.write(importable_digest(Path(sys.argv[1])))
