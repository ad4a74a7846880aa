"""No implementation that is correct and fair is called anything else when it is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import select
from benchmarks.records.row import Verdict
from benchmarks.runner import launch
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import Dispatcher, WorkerRun
from benchmarks.runner.system import choose_cpus
from impls.contract import Problem
from tests.conftest import NoProgress, skip_if_nothing_can_run
from tests.impls.test_implementations import AHEAD, COMPILED, names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.forks import Forks


@pytest.mark.usefixtures("ends_judged")
@pytest.mark.parametrize("name", names(*AHEAD))
def test_a_correct_loop_stays_verified_when_it_is_timed(
    name: str, tmp_path: Path, caches: Path, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "subprocess", forks)
    (entry,) = select([name])
    skip_if_nothing_can_run(entry)
    problems = (
        [Problem()] if name in COMPILED else [Problem(), Problem(n_features=1, batch_size=1, n_batches=1)]
    )
    results = [CaseResult(Case(entry, "cpu", problem)) for problem in problems]
    dispatcher = Dispatcher(
        folder=tmp_path,
        progress=NoProgress(),
        cpus=choose_cpus(1),
        worker_timeout_s=120,
        wakes=False,  # no first call is read
    )

    dispatcher.work(results, WorkerRun(round=0, position=0, name="timed", sample_s=0.05, caches=caches))

    if all(result.row().verdict is Verdict.NOT_MEASURED for result in results):
        pytest.skip(results[0].row().reason or "")
    assert [result.row().reason for result in results] == [None] * len(problems)
    assert [len(result.processes) for result in results] == [1] * len(problems)
