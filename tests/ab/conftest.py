"""Fixtures for comparisons of invented times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.ab import comparison
from tests.ab.invented import FakeDispatcher

if TYPE_CHECKING:
    from tests.ab.invented import Invented, MinS


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> Invented:
    """Invent what the processes measure, on a machine without a GPU."""
    monkeypatch.setattr(
        "benchmarks.runner.case.unsupported_reason", lambda device, _: None if device == "cpu" else "no GPU"
    )

    def invent(min_s: MinS) -> None:
        monkeypatch.setattr(
            comparison, "Dispatcher", lambda **settings: FakeDispatcher(**settings, min_s=min_s)
        )

    return invent
