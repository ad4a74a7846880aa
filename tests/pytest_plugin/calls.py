"""Calls of pytest on the benchmarks, from the checkout, as a user makes them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.paths import CODE

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS = ("--problem", "book,batch_size=32,n_epochs=2", "--problem", "book,batch_size=16,n_epochs=2")
NAMES = ("B32-D2-N5-E2", "B16-D2-N5-E2")

WRONG_STEP = ("problem.learning_rate, vector", "2 * problem.learning_rate, vector")
"""A change of NumPy's loop that makes it wrong."""


def pytest_(*arguments: str | Path, problems: tuple[str, ...] = PROBLEMS) -> subprocess.CompletedProcess[str]:
    """Run pytest on the benchmarks."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "benchmarks"]
    return subprocess.run(  # noqa: S603 - our own command
        [*command, *map(str, arguments), *problems], cwd=CODE, capture_output=True, text=True, check=False
    )
