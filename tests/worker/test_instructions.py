"""Counting instructions, with a counter that needs no valgrind."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.worker.inspection import instructions
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload
from tests.conftest import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

DUMP = "events: Ir\nfn=(1) main\n1 7\n\ntotals: 1234567\n"


@pytest.fixture
def counted(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Path], object]], float]:
    """Count an epoch's instructions with a library that makes a dump so."""

    def count(dump: Callable[[Path], object]) -> float:
        file = tmp_path / f"counter.so.{os.getpid()}.1"
        library = SimpleNamespace(begin=int, zero=int, dump=lambda: dump(file), end=int)
        monkeypatch.setattr(instructions, "ctypes", SimpleNamespace(CDLL=lambda _: library))
        workload = Workload.of(load(numpy_float32), SMALL)
        _, n_instructions = instructions.count_trainings(workload, SMALL.n_epochs, tmp_path / "counter.so")
        return n_instructions

    return count


def test_each_trainings_dump_is_read_and_removed(
    counted: Callable[[Callable[[Path], object]], float], tmp_path: Path
) -> None:
    assert (
        counted(lambda file: file.write_text(DUMP, encoding="utf-8")) == 1234567 / 2
    )  # the first of three epochs is not counted
    assert not list(tmp_path.glob("counter.so.*"))


def test_a_process_without_valgrind_says_that_nothing_was_counted(
    counted: Callable[[Callable[[Path], object]], float],
) -> None:
    with pytest.raises(RuntimeError, match="valgrind does not count here"):
        counted(lambda _: None)
