"""No implementation that is correct and fair is called anything else when it is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.contest import Settings, run_contest
from benchmarks.discover import select
from benchmarks.environment import choose_cpus
from benchmarks.record import Verdict
from benchmarks.tally import Case
from impls.contract import Problem
from tests.conftest import Silent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", [entry.name for entry in select(())])
def test_a_correct_loop_stays_verified_when_it_is_timed(
    name: str, tmp_path_factory: pytest.TempPathFactory, caches: Path
) -> None:
    (entry,) = select([name])
    problems = [Problem(), Problem(n_features=1, batch_size=1, n_batches=1)]
    settings = Settings(rounds=1, sample_s=0.05, cpus=choose_cpus(1), caches=caches)

    tallies, _ = run_contest(
        [Case(entry, "cpu", problem) for problem in problems],
        settings,
        tmp_path_factory.mktemp("workers"),
        Silent(),
    )

    if all(tally.row().verdict is Verdict.NOT_MEASURED for tally in tallies):
        pytest.skip(tallies[0].row().reason or "")
    assert [tally.row().reason for tally in tallies] == [None] * 2
    assert [len(tally.processes) for tally in tallies] == [1] * 2
