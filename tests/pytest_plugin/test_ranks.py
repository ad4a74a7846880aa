"""Which cases a run over ranks has, and what is refused before anything is measured."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.pytest_plugin.options import Options
from benchmarks.pytest_plugin.session import MeasuringSession

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy

TIER = 'TIER = "eager"\n'


@pytest.fixture(autouse=True)
def _four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)


@pytest.fixture
def spanning(copy_of: Copy) -> Path:
    """A file that declares that it spans ranks."""
    return copy_of("numpy_float32", (TIER, f"{TIER}SPANS_RANKS = True\n"), as_name="spanning")


def session_of(*impls: Path | str, problem: str = "book", **options: Any) -> MeasuringSession:
    return MeasuringSession.of(Options(impl=[*map(str, impls)], problem=[problem], device="cpu", **options))


def test_ranks_come_with_one_core_and_with_one_process_on_as_many_cores(spanning: Path) -> None:
    session = session_of(spanning, ranks=[2, 4])
    with_cores = session_of(spanning, ranks=[1, 2], cores=2)

    alone = {"cpu", "cpu, 2 cores", "cpu, 4 cores"}
    assert {place for *_, place in session.cases} == alone | {"cpu, 2 ranks", "cpu, 4 ranks"}
    assert {place for *_, place in with_cores.cases} == alone | {"cpu, 2 ranks, 2 cores each"}
    assert not session.left_out


def test_an_implementation_that_does_not_span_ranks_is_left_out_there_and_named(
    spanning: Path, numpy_float32: Path
) -> None:
    both = session_of(spanning, numpy_float32, ranks=[1, 2])

    assert [place for name, *_, place in both.cases if name == "numpy_float32"] == ["cpu"]
    assert both.left_out == ["left out on 2 ranks, which they don't span: numpy_float32"]
    with pytest.raises(UsageError, match=r"--ranks 2: expected .* that spans ranks .*, found numpy_float32"):
        session_of(numpy_float32, ranks=[2])


def test_batches_that_the_ranks_can_not_share_equally_are_not_measured_there(spanning: Path) -> None:
    session = session_of(spanning, ranks=[3], problem="book,last_batch_size=600")

    reasons = {case.place: case.skip_reason for case in session.cases.values()}
    assert reasons == {
        "cpu": None,
        "cpu, 3 cores": None,
        "cpu, 3 ranks": "3 ranks can't share batches of 1,000 rows equally",
    }


@pytest.mark.parametrize("command", [["run"], ["ab", "--new-env=A=1"], ["calibrate"]])
def test_more_ranks_times_cores_than_cpus_are_refused_with_both_numbers_and_the_remedy(
    command: list[str], spanning: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    impl = [f"--impl={spanning}"] if command == ["run"] else [f"--impl-dir={spanning.parent}"]

    assert main([*command, *impl, "--ranks=3", "--cores=2"]) == 4
    found = " ".join(capsys.readouterr().err.split())
    assert "--ranks 3 with --cores 2: expected at most the 4 this process may use, found 6;" in found
    assert "name fewer ranks, or fewer cores for each" in found


def test_instructions_are_not_counted_over_ranks(spanning: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"--impl-dir={spanning.parent}", "--new-env=A=1", "--metric=instructions", "--ranks=2"]

    assert main(["ab", *options]) == 4
    assert "--metric instructions: expected one rank, found --ranks 2" in capsys.readouterr().err
