"""Fingerprints of the code that decides what is measured, and how."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from benchmarks.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MEASURED_CODE = ("benchmarks", "impls", "pyproject.toml", "constraints.txt")


TIMING_CODE = (
    "impls/contract.py",
    *(f"benchmarks/{name}.py" for name in ("contest", "launch")),  # in which order, how long, how started
    *(f"benchmarks/{name}.py" for name in ("worker", "measure", "training", "problems", "job", "statistics")),
    *(f"benchmarks/{name}.py" for name in ("observe", "observe_torch", "observe_jax", "gpu", "precision")),
    *(f"benchmarks/{name}.py" for name in ("callgrind", "decode", "errors")),
)
"""Files that decide what is timed, and how, besides the implementation's own: all that a worker loads."""


def code_digest() -> str:
    """Fingerprint the measured code as it lies there, committed or not: 16 hexadecimal digits of SHA-256."""
    paths = [ROOT / name for name in MEASURED_CODE]
    files = [file for path in paths for file in (sorted(path.rglob("*.[pc]*")) if path.is_dir() else [path])]
    return _digest_of(file for file in files if file.suffix in (".py", ".c", ".toml", ".txt"))


def timed_code_digest(path: Path) -> str:
    """Fingerprint what decides an implementation's times: its file, the C file of that name, TIMING_CODE."""
    own = [path.with_suffix(suffix) for suffix in (".py", ".c")]
    return _digest_of(file for file in [*own, *(ROOT / name for name in TIMING_CODE)] if file.is_file())


def _digest_of(files: Iterable[Path]) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.read_bytes())
    return sha.hexdigest()[:16]
