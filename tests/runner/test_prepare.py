"""Workers that start together: nothing is measured before both have loaded, nor beside the other."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import Dispatcher, WorkerRun
from tests.conftest import SMALL, NoProgress
from tests.helpers.processes import runs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy

CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
pytestmark = pytest.mark.skipif(len(CPUS) < 2, reason="this process may use one CPU only")

NOTE = """\
import json, os, time
def note(what):
    with open({file!r}, "a") as file:
        line = [{name!r}, what, time.monotonic(), sorted(os.sched_getaffinity(0)), os.getpid()]
        file.write(json.dumps(line) + "\\n")
note("loads")
"""
IMPORT = "import numpy as np\n"
RUN_EPOCH = '    """Train on each batch in order."""\n'


@pytest.fixture
def dispatcher(tmp_path: Path) -> Dispatcher:
    """Make one with a CPU for the next worker."""
    (tmp_path / "run").mkdir()
    return Dispatcher(
        folder=tmp_path / "run",
        progress=NoProgress(),
        cpus=(CPUS[-1],),
        spare_cpus=(CPUS[-2],),
        worker_timeout_s=60.0,
    )


def turn_of(path: Path, folder: Path) -> tuple[list[CaseResult], WorkerRun]:
    """Let one process time the file for a moment."""
    caches = folder / "caches" / path.stem
    worker_run = WorkerRun(round=1, position=0, name=path.stem, sample_s=0.002, caches=caches)
    return [CaseResult(Case(read_entry(path), "cpu", SMALL))], worker_run


def noting(copy_of: Copy, folder: Path, name: str, in_import: str = "") -> Path:
    """Make a loop that notes when and on which CPUs it loads and trains."""
    note = NOTE.format(file=str(folder / "notes"), name=name)
    trains = f"    if len(batches[0][1]) == {SMALL.batch_size}: note('trains')\n"
    changes = (IMPORT, note + in_import + IMPORT), (RUN_EPOCH, RUN_EPOCH + trains)
    return copy_of("numpy_float32", *changes, as_name=name)


def test_two_workers_load_together_and_measure_one_after_the_other_on_the_same_cpu(
    dispatcher: Dispatcher, copy_of: Copy, tmp_path: Path
) -> None:
    turns = [turn_of(noting(copy_of, tmp_path, name), tmp_path) for name in ("first", "second")]

    dispatcher.prepare(turns)
    for results, worker_run in turns:
        dispatcher.work(results, worker_run)

    notes = [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]
    assert {results[0].row().verdict for results, _ in turns} == {Verdict.VERIFIED}
    loads = {name: cpus for name, what, _, cpus, _ in notes if what == "loads"}
    assert loads == {"first": [CPUS[-1]], "second": [CPUS[-2]]}  # each was started once
    trains = {
        name: [at for each, what, at, cpus, _ in notes if (each, what) == (name, "trains")] for name in loads
    }
    assert {tuple(cpus) for _, what, _, cpus, _ in notes if what == "trains"} == {(CPUS[-1],)}
    assert max(at for _, what, at, *_ in notes if what == "loads") < min(trains["first"])
    assert max(trains["first"]) < min(trains["second"])


def test_a_worker_that_has_had_no_turn_is_ended(
    dispatcher: Dispatcher, copy_of: Copy, tmp_path: Path
) -> None:
    turns = [turn_of(noting(copy_of, tmp_path, name), tmp_path) for name in ("first", "second")]

    dispatcher.prepare(turns)
    dispatcher.end_prepared()

    notes = [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]
    assert [what for _, what, *_ in notes] == ["loads", "loads"]
    assert not any(runs(pid) for *_, pid in notes)


def test_a_thread_that_left_the_cpus_while_its_loop_was_loaded_is_found(
    dispatcher: Dispatcher, copy_of: Copy, tmp_path: Path
) -> None:
    leaves = f"""\
import threading
def leave():
    os.sched_setaffinity(0, {set(CPUS[-2:])})
    time.sleep(60)
threading.Thread(target=leave, daemon=True).start()
time.sleep(0.1)
"""
    paths = [noting(copy_of, tmp_path, "fair"), noting(copy_of, tmp_path, "leaving", leaves)]
    turns = [turn_of(path, tmp_path) for path in paths]

    dispatcher.prepare(turns)
    for results, worker_run in turns:
        dispatcher.work(results, worker_run)

    fair, leaving = (results[0].row() for results, _ in turns)
    assert fair.verdict is Verdict.VERIFIED
    assert leaving.verdict is Verdict.INVALID
    assert f"CPUs that its threads may run on: expected 1, found 2, of which {CPUS[-2]}" in (
        leaving.reason or ""
    )


@pytest.mark.parametrize("case", ["one worker", "no spare CPU", "the same caches"])
def test_no_worker_starts_ahead_where(
    case: str, dispatcher: Dispatcher, copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "started", lambda *_: pytest.fail("a worker was started"))
    turns = [turn_of(copy_of("numpy_float32", as_name=name), tmp_path) for name in ("first", "second")]
    spare_cpus = () if case == "no spare CPU" else dispatcher.spare_cpus
    given = {"one worker": turns[:1], "the same caches": [turns[0], turns[0]]}.get(case, turns)

    Dispatcher(
        folder=dispatcher.folder,
        progress=NoProgress(),
        cpus=dispatcher.cpus,
        spare_cpus=spare_cpus,
        worker_timeout_s=60.0,
    ).prepare(given)
