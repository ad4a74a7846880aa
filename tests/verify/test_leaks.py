"""Each way of showing a time below its cost is found, on every named problem, however busy the machine is.

A leak is a loop with right results whose work is not in the time of its epochs. On a machine that is busy its
row is NOT MEASURED, at rest INVALID, never verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.problems import NAMED
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.records.row import Row, Verdict
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.launch import launch
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.messages import Job
from impls.contract import Problem

QUEUE = """
def run_epoch(state, batches):
    state.__dict__.setdefault("queue", []).append(batches)
    if {runs}:
        work(state)
    return state


def work(state):
    while state.queue:
        epoch(state, state.queue.pop(0))


def export(state):
    work(state)
    return copy(state)
"""

TOLD = """
prepare_only = prepare


def prepare(problem, parameters, device):
    state = prepare_only(problem, parameters, device)
    state.n_epochs = problem.n_epochs
    return state
"""
"""The state knows how long the training is."""

LEAKS = {
    "all epochs are left to the export": QUEUE.format(runs="False"),
    "four epochs are done at every fourth call": QUEUE.format(runs="len(state.queue) == 4"),
    "epochs are left to the export while garbage is not collected": "import gc\n"
    + QUEUE.format(runs="gc.isenabled()"),
    "the last two epochs of a training are left to the export": QUEUE.format(
        runs="state.__dict__.setdefault('calls', []).append(0) or len(state.calls) <= state.n_epochs - 2"
    )
    + TOLD,
    "the first call does the work of all epochs": """
def run_epoch(state, batches):
    if "later" not in state.__dict__:
        state.later = []
        for _ in range(state.n_epochs):
            epoch(state, batches)
            state.later.append((copy(state), state.losses))
    state.now = state.later[len(state.__dict__.setdefault("calls", []))]
    state.calls.append(0)
    return state


def export(state):
    return state.now[0]
"""
    + TOLD,
    "a training that was seen before is remembered": """
seen = {}


def run_epoch(state, batches):
    key = (id(batches), state.parameters.tobytes(), state.second_moment.tobytes())
    if key not in seen:
        epoch(state, batches)
        arrays = state.parameters, state.first_moment, state.second_moment
        seen[key] = (*(array.copy() for array in arrays), state.losses)
        state.n_steps -= len(batches)
    values = seen[key]
    state.parameters, state.first_moment, state.second_moment = (array.copy() for array in values[:3])
    state.losses = values[3]
    state.n_steps += len(batches)
    return state
""",
    "another thread does the epochs": """
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)


def run_epoch(state, batches):
    state.job = pool.submit(epoch, state, batches)
    return state


def export(state):
    state.job.result()
    return copy(state)
""",
    "arrays that are empty until they are read": """
class Later(np.ndarray):
    pass


def export(state):
    result = copy(state)
    return EpochResult(result.losses.view(Later), result.weight, result.bias)
""",
}


ASIDE = """
class Aside(list):
    pass


def place(problem, batches, device):
    placed = Aside(batches)
    placed.copies = [(x.copy(), y.copy()) for x, y in batches]
    return placed


def run_epoch(state, batches):
    return epoch(state, batches.copies)
"""
"""What place may have made of the data, for example less of it, is where the harness does not look."""

HIDDEN = """
class Hidden:
    __slots__ = ("batches",)


def place(problem, batches, device):
    placed = Hidden()
    placed.batches = batches
    return placed


def run_epoch(state, placed):
    return epoch(state, placed.batches)
"""


def rows_of(leak: str, problems: Sequence[Problem], folder: Path) -> list[Row]:
    """Measure NumPy's loop with a leak on the problems, in one process."""
    source = (IMPLEMENTATIONS / "numpy_float32.py").read_text(encoding="utf-8")
    source = source.replace("def run_epoch(", "def epoch(").replace("def export(", "def copy(")
    kept = "\nrun_epoch, export = epoch, copy\n"
    path = folder / "leak.py"
    path.write_text(source + kept + leak, encoding="utf-8")
    job = Job(
        path=str(path),
        framework="numpy",
        devices=("cpu",),
        problems=tuple(problems),
        cpus=choose_cpus(1),
        sample_s=0.02,
    )
    report = launch(job, folder, "leak")
    assert report.error is None, report.log
    rows = []
    for problem, answer in zip(problems, report.results, strict=True):
        result = CaseResult(Case(read_entry(path), "cpu", problem))
        result.add(answer, round_=0, position=0)
        result.settle()
        rows.append(result.row())
    return rows


FIRST, *OTHERS = LEAKS
LONG = pytest.mark.long


@pytest.mark.usefixtures("judged", "forked")
@pytest.mark.parametrize(
    ("leak", "names"),
    [
        (FIRST, ("book", "small")),
        (FIRST, ("large",)),
        *((leak, ("book",)) for leak in OTHERS),
        pytest.param(FIRST, ("wide",), marks=LONG),
        *(pytest.param(leak, ("small", "large", "wide"), marks=LONG) for leak in OTHERS),
    ],
    ids=lambda each: each.replace(" ", "-") if isinstance(each, str) else "-".join(each),
)
def test_a_loop_whose_work_is_not_in_its_time_shows_no_time(
    leak: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    rows = rows_of(LEAKS[leak], [NAMED[name] for name in names], tmp_path)

    assert [row.processes for row in rows] == [()] * len(names)
    for row in rows:
        assert row.verdict in (Verdict.INVALID, Verdict.NOT_MEASURED), row
        assert row.reason is not None
        assert "cost" in row.reason or "expected losses as a numpy.ndarray" in row.reason


@pytest.mark.usefixtures("judged", "forked")
@pytest.mark.parametrize(
    ("leak", "reason"),
    [(ASIDE, "ends of the trainings on unseen data"), (HIDDEN, "let it return the arrays themselves")],
    ids=["aside", "hidden"],
)
def test_a_loop_that_trains_on_data_out_of_reach_is_invalid(leak: str, reason: str, tmp_path: Path) -> None:
    (row,) = rows_of(leak, [NAMED["book"]], tmp_path)

    assert row.verdict == Verdict.INVALID
    assert reason in str(row.reason)
