"""The study of the floor on a GPU, against invented times: this machine may have none."""

from __future__ import annotations

import io
from ctypes import c_longlong
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from benchmarks.cases.problems import NAMED
from benchmarks.studies.gpu import floor
from benchmarks.studies.gpu.floor import (
    cases_of,
    fault_of,
    is_sensible,
    lengths,
    main,
    n_batches_of,
    step_table,
)
from impls import _cuda, _native_cuda, native_floor
from impls.contract import Problem
from tests.impls.test_native_floor_cuda import H200, emulated, needs_nvrtc

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table


@pytest.fixture
def h200(monkeypatch: pytest.MonkeyPatch) -> None:
    """An H200 that takes 10 µs for a launch and reads 4 TB/s."""

    def epoch_s(problem: Problem, scope: int | None = None) -> float:
        del scope
        return 10e-6 + problem.n_batches * 4 * problem.batch_size * (problem.n_features + 1) / 4e12

    monkeypatch.setattr(_cuda, "gpu", lambda: H200)
    monkeypatch.setattr(floor, "epoch_s", epoch_s)


def printed(table: Table) -> list[list[str]]:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table)
    lines = console.export_text().splitlines()
    return [
        [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
        for line in lines
        if "│" in line
    ]


@pytest.mark.usefixtures("h200")
def test_the_launch_is_the_part_of_an_epoch_that_does_not_grow_with_its_steps() -> None:
    (cells,) = printed(lengths())

    assert cells[-2:] == ["10.0 µs", "3.00 ns"]


@pytest.mark.usefixtures("h200")
def test_a_step_is_compared_with_reading_its_batch() -> None:
    rows = printed(step_table(2e12))

    assert len(rows) == len(floor.SIZES)
    assert {cells[-1] for cells in rows} == {"0.50"}
    assert {cells[-3] for cells in rows} == {"block", "cluster", "grid"}


@pytest.mark.usefixtures("h200")
def test_neither_blocks_without_rows_nor_threads_with_very_many_are_timed() -> None:
    small, large = Problem(batch_size=32), Problem(batch_size=1_000_000)

    assert [is_sensible(small, scope) for scope in floor.SCOPES] == [True, False, False]
    assert [is_sensible(large, scope) for scope in floor.SCOPES] == [False, True, True]


@pytest.mark.usefixtures("h200")
def test_the_bandwidth_of_reading_is_without_the_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    def fastest_s(run: partial[None]) -> float:
        return 10e-6 + c_longlong.from_address(run.args[0]).value * 16 / 4e12

    monkeypatch.setattr(_cuda, "compiled", lambda *_: (b"", ""))
    monkeypatch.setattr(_cuda, "Kernel", lambda *_: SimpleNamespace(run=print))
    monkeypatch.setattr(_cuda, "Memory", lambda _: SimpleNamespace(pointer=0))
    monkeypatch.setattr(floor, "fastest_s", fastest_s)

    assert floor.bytes_per_s() == pytest.approx(4e12)


def test_an_epoch_is_larger_than_the_cache_where_its_batches_are_large() -> None:
    assert (n_batches_of(12), n_batches_of(1_200_000), n_batches_of(1 << 30)) == (1000, 223, 2)


@emulated
def test_a_wrong_floor_is_named_with_the_largest_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.impls import emulated_cuda  # noqa: PLC0415 - needs g++

    emulated_cuda.install(monkeypatch, tmp_path)
    problem = Problem(batch_size=32, n_batches=2, n_epochs=2)
    assert fault_of(native_floor, "tiny", problem) is None

    monkeypatch.setattr(_native_cuda, "BETA1", 0.5)

    assert "tiny: WRONG, a loss is off by" in str(fault_of(native_floor, "tiny", problem))


def test_the_floor_is_verified_as_a_block_a_cluster_and_a_grid_too(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes: list[int | None] = []
    monkeypatch.setattr(_native_cuda, "prepare", lambda _, __, scope=None: scopes.append(scope))

    for implementation, _, problem in cases_of(native_floor):
        implementation.prepare(problem, None, "cuda")

    block, cluster, grid = floor.SCOPES
    assert scopes == [*[None] * len(NAMED), block, block, cluster, cluster, grid, grid]


@needs_nvrtc
def test_the_reader_compiles() -> None:
    code, _ = _cuda.compiled(floor.READER, ["--gpu-architecture=sm_90"])

    assert code.startswith(b"\x7fELF")


def test_without_a_gpu_the_study_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: Any) -> None:
        message = "no driver"
        raise OSError(message)

    monkeypatch.setattr(_cuda, "gpu", missing)

    assert main([]) == 4
    assert capfd.readouterr().err == "no floor to measure: no GPU of NVIDIA's with its driver (no driver)\n"
