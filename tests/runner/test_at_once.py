"""Two workers that prepare at the same time: what runs beside what, and what the fault of one costs."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner.answers import Report, waits_for_its_turn
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import Dispatcher, WorkerRun
from benchmarks.runner.launch import recall
from benchmarks.runner.signals import interruptible
from benchmarks.worker.measure import WARM_UP_EPOCHS
from benchmarks.worker.messages import Job, Readiness, Turn, message_to_json
from tests.conftest import CPUS, SMALL, NoProgress
from tests.helpers.processes import ends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.runner.launch import Beside
    from impls.contract import Problem
    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("every_cpu")

IMPORT = "import numpy as np\n"
RUN_EPOCH = '    """Train on each batch in order."""\n'
NOTE = """\
import json, os, time
def note(what):
    with open({file!r}, "a") as file:
        line = [{name!r}, what, time.monotonic(), sorted(os.sched_getaffinity(0)), os.getpid()]
        file.write(json.dumps(line) + "\\n")
note("loads")
"""


class Pair:
    """Two changed copies of a loop, and what they noted."""

    def __init__(self, copy_of: Copy, folder: Path) -> None:
        """Make the folder of the run."""
        self.copy_of, self.notes = copy_of, folder / "notes"
        self.folder = folder / "run"
        self.folder.mkdir()

    def loop(self, name: str, in_import: str = "", in_epoch: str = "") -> Path:
        """Return a loop that notes when and on which CPUs it loads and trains the small problem."""
        note = NOTE.format(file=str(self.notes), name=name)
        epoch = f"    if len(batches[0][1]) == {SMALL.batch_size}:\n        note('trains')\n{in_epoch}"
        changes = (IMPORT, f"{note}{in_import}{IMPORT}"), (RUN_EPOCH, RUN_EPOCH + epoch)
        return self.copy_of("numpy_float32", *changes, as_name=name)

    def rows(
        self,
        paths: Sequence[Path],
        worker_timeout_s: float = 60.0,
        ended: int | None = None,
        problems: Sequence[Problem] = (SMALL,),
    ) -> list[Row]:
        """Measure the files at once, in this order; return the rows of the last problem.

        One of them may have ended before.
        """
        cpus = sorted(CPUS)
        dispatcher = Dispatcher(
            folder=self.folder,
            progress=NoProgress(),
            cpus=(cpus[-1],),
            spare_cpus=(cpus[-2],),
            worker_timeout_s=worker_timeout_s,
        )
        results = [[CaseResult(Case(read_entry(path), "cpu", each)) for each in problems] for path in paths]
        run = WorkerRun(round=1, position=0, name="", sample_s=0.002, caches=self.folder / "caches")
        runs = [replace(run, name=path.stem, caches=run.caches / path.stem) for path in paths]
        if ended is not None:
            results[ended][0].end(Verdict.INVALID, "wrong")
        dispatcher.work_at_once(list(zip(results, runs, strict=True)))
        return [each[-1].row() for each in results]

    def noted(self, name: str, what: str) -> list[tuple[float, list[int]]]:
        """Return when a loop did this, and on which CPUs it was allowed to."""
        lines = [json.loads(line) for line in self.notes.read_text().splitlines()]
        return [(at, cpus) for each, found, at, cpus, _ in lines if (each, found) == (name, what)]


@pytest.fixture
def pair(copy_of: Copy, tmp_path: Path) -> Pair:
    """Return two workers to be."""
    return Pair(copy_of, tmp_path)


def test_each_prepares_on_its_own_cpu_and_both_are_timed_on_the_same_one(pair: Pair) -> None:
    other, own = sorted(CPUS)[-2:]

    rows = pair.rows([pair.loop("first"), pair.loop("second")])

    assert [row.reason for row in rows] == [None, None]
    assert [cpus for _, cpus in pair.noted("first", "loads")] == [[other]]
    assert [cpus for _, cpus in pair.noted("second", "loads")] == [[own]]
    first, second = (pair.noted(name, "trains") for name in ("first", "second"))
    timed = [at for at, cpus in first if cpus == [own]]
    assert timed
    assert {tuple(cpus) for _, cpus in second} == {(own,)}
    assert not [at for at, _ in second if min(timed) < at < max(timed)]
    assert [at for at, _ in second if at > max(timed)]


@pytest.mark.parametrize("hanging", [0, pytest.param(1, marks=pytest.mark.long)])
def test_one_that_hangs_is_stopped_at_its_limit_and_the_other_one_is_measured(
    hanging: int, pair: Pair
) -> None:
    sleeps = "        time.sleep(3600)\n"
    paths = [pair.loop(name, in_epoch=sleeps * (i == hanging)) for i, name in enumerate(("first", "second"))]

    rows = pair.rows(paths, worker_timeout_s=5.0)

    assert "no result within 5 s, killed" in (rows[hanging].reason or "")
    assert rows[1 - hanging].verdict is Verdict.VERIFIED


@pytest.mark.parametrize("hanging", [pytest.param(0, marks=pytest.mark.long), 1])
def test_one_that_hangs_while_it_is_timed_is_stopped_before_the_other_one(hanging: int, pair: Pair) -> None:
    counts = "N_EPOCHS = []\n"
    sleeps = f"""\
        N_EPOCHS.append(0)
        if len(N_EPOCHS) >= {WARM_UP_EPOCHS + SMALL.n_epochs}:
            time.sleep(3600)
"""
    paths = [pair.loop(name, counts, sleeps * (i == hanging)) for i, name in enumerate(("first", "second"))]

    rows = pair.rows(paths, worker_timeout_s=5.0)

    assert "no result within 5 s, killed" in (rows[hanging].reason or "")
    assert rows[1 - hanging].verdict is Verdict.VERIFIED


@pytest.mark.parametrize("crashing", [0, 1])
def test_one_that_crashes_costs_its_own_row(crashing: int, pair: Pair) -> None:
    dies = "        os.kill(os.getpid(), 9)\n"
    paths = [pair.loop(name, in_epoch=dies * (i == crashing)) for i, name in enumerate(("first", "second"))]

    rows = pair.rows(paths)

    assert "killed by SIGKILL" in (rows[crashing].reason or "")
    assert rows[1 - crashing].verdict is Verdict.VERIFIED


def test_a_worker_that_starts_again_after_a_crash_has_a_place_from_its_start(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds: list[bool] = []

    def crash(_job: Job, _folder: Path, _name: str, beside: Beside) -> Report:
        holds.append(all(not lock.closed for lock in beside.place.locks or ()))
        beside.place.close()  # it has answered
        return Report(error="killed", log="", readiness=Readiness(unavailable={"cpu": None}), results=())

    monkeypatch.setattr(dispatch, "launch", crash)
    problems = SMALL, replace(SMALL, batch_size=16)

    pair.rows([pair.loop("first"), pair.loop("second")], problems=problems)

    assert holds == [True] * 4


def test_what_was_measured_at_once_is_recalled_one_by_one(pair: Pair) -> None:
    pair.rows([pair.loop("first"), pair.loop("second")])

    for name in ("first", "second"):
        job = Job.from_json((pair.folder / f"{name}-cpu-1.job").read_text())
        alone = replace(job, prepare_on=(), gate=None, is_first=False)
        assert recall(alone, pair.folder, f"{name}-cpu-1")
        assert recall(replace(alone, n_unseen=0), pair.folder, f"{name}-cpu-1")
        assert not recall(replace(alone, n_unseen=job.n_unseen + 1), pair.folder, f"{name}-cpu-1")


def test_no_alarm_ends_a_worker_that_may_wait_for_another_one(pair: Pair) -> None:
    notes = "import signal\nif signal.getitimer(signal.ITIMER_REAL)[0]:\n    note('has an alarm')\n"

    pair.rows([pair.loop(name, notes) for name in ("first", "second")])

    assert pair.noted("first", "loads")
    assert not [*pair.noted("first", "has an alarm"), *pair.noted("second", "has an alarm")]


@pytest.mark.parametrize("ended", [0, 1])
def test_one_that_need_not_start_is_not_waited_for(ended: int, pair: Pair) -> None:
    rows = pair.rows([pair.loop("first"), pair.loop("second")], worker_timeout_s=5.0, ended=ended)

    assert rows[ended].reason == "wrong"
    assert rows[1 - ended].verdict is Verdict.VERIFIED


def test_a_thread_that_keeps_leaving_the_cpus_is_found(pair: Pair) -> None:
    leaves = f"""\
import threading
def leave():
    while True:
        os.sched_setaffinity(0, {set(sorted(CPUS)[-2:])})
        time.sleep(1e-4)
threading.Thread(target=leave, daemon=True).start()
"""
    rows = pair.rows([pair.loop("leaving", in_import=leaves), pair.loop("fair")])

    assert "CPUs that its threads may run on: expected 1, found 2" in (rows[0].reason or "")
    assert rows[1].verdict is Verdict.VERIFIED


def test_ctrl_c_ends_both(pair: Pair) -> None:
    sleeps = "        time.sleep(3600)\n"
    paths = [pair.loop(name, in_epoch=sleeps) for name in ("first", "second")]

    def interrupt() -> None:
        while not pair.notes.exists() or pair.notes.read_text().count("trains") < len(paths):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt), interruptible():
        pair.rows(paths)

    pids = {json.loads(line)[-1] for line in pair.notes.read_text().splitlines()}
    assert all(ends(pid) for pid in pids)
    assert len(pids) == len(paths)
    assert not [*pair.folder.glob("*.report")]  # of a worker that ended by itself, or at its limit


def test_a_worker_that_waits_for_its_turn_is_known_by_its_last_answer(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    waits, came = (f"{message_to_json(Turn(came=came))}\n" for came in (False, True))

    answers.write_text(waits)
    assert waits_for_its_turn(answers)

    answers.write_text(waits + came)
    assert not waits_for_its_turn(answers)
