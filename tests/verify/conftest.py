"""The fixture of the rounded loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.worker import observe
from tests.helpers.rounding import BACKWARD, FORWARD, ROUNDING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy
    from tests.helpers.rounding import Rounded


@pytest.fixture
def rounded(copy_of: Copy, monkeypatch: pytest.MonkeyPatch) -> Rounded:
    """Make NumPy's loop with rounded products."""
    # Collecting garbage in this process, which may have loaded frameworks, takes half a second.
    monkeypatch.setattr(observe, "reset_peak_host", lambda: None)

    def copy(forward: str, backward: str, *changes: tuple[str, str], as_name: str = "rounded") -> Path:
        return copy_of(
            "numpy_float32",
            ('"readback=step")\n', '"readback=step", "precision=tf32", "precision=bfloat16")\n' + ROUNDING),
            ("    del device\n", '    del device\n    PROCESS["precision"] = problem.precision\n'),
            (FORWARD, forward),
            (BACKWARD, backward),
            *changes,
            as_name=as_name,
        )

    return copy
