"""How often a process times again before it leaves a time undecided."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.worker import conserved, measure, observe
from benchmarks.worker.conserved import ALONE, TOLERANCE
from benchmarks.worker.messages import Conservation, Job
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.start import Loaded, load
from benchmarks.worker.training import Workload
from benchmarks.worker.trials import conservation_of
from tests.conftest import SMALL
from tests.helpers.hurried import HURRIED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Copy


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trials be short, and trainings watched for a moment."""
    for module, name, value in HURRIED:
        if module is not measure:  # its values are the ones that are tested
            monkeypatch.setattr(module, name, value)


@pytest.fixture
def n_tries(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Count the tries of a process whose time is this share of its cost."""

    def count(share: float, worker_timeout_s: float = 120) -> int:
        tries: list[object] = []
        time_more = measure._time_more  # noqa: SLF001 - counted

        def counted(*arguments: object) -> None:
            tries.append(arguments)
            time_more(*arguments)  # type: ignore[arg-type] # passed on

        monkeypatch.setattr(measure, "_time_more", counted)
        monkeypatch.setattr(measure, "conserved_share", lambda *_: share)
        monkeypatch.setattr(conserved, "is_busy", lambda _: False)
        workload = Workload.of(load(IMPLEMENTATIONS / "numpy_float32.py"), SMALL, "cpu")
        job = Job(path="", framework="", devices=("cpu",), sample_s=1e-6, worker_timeout_s=worker_timeout_s)
        measure.time_trainings(workload, FrameworkObserver(), job, SMALL.n_epochs)
        return len(tries)

    return count


@pytest.mark.parametrize(("share", "n"), [(TOLERANCE, 1), ((ALONE + TOLERANCE) / 2, 6), (ALONE / 2, 1)])
def test_only_a_time_that_is_neither_right_nor_wrong_is_taken_again(
    share: float, n: int, n_tries: Callable[..., int]
) -> None:
    assert n_tries(share) == n


def test_no_try_begins_late_in_the_time_limit_of_the_worker(n_tries: Callable[..., int]) -> None:
    assert n_tries((ALONE + TOLERANCE) / 2, worker_timeout_s=0) == 1


def test_a_cost_is_divided_by_the_cores_of_the_job_though_the_loop_may_allow_itself_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_cores = []

    def noted(*arguments: Any, **options: Any) -> Conservation:
        n_cores.append(options["n_cores"])
        return conservation_of(*arguments, **options)

    monkeypatch.setattr(measure, "conservation_of", noted)
    monkeypatch.setattr(measure, "cpus_allowed", lambda: {0, 1})
    monkeypatch.setattr(measure, "TRIES", 1)
    workload = Workload.of(load(IMPLEMENTATIONS / "numpy_float32.py"), SMALL, "cpu")
    for cpus in ((1,), ()):
        job = Job(path="", framework="", devices=("cpu",), cpus=cpus, sample_s=1e-6)
        measure.time_trainings(workload, FrameworkObserver(), job, SMALL.n_epochs)

    assert n_cores == [1, 2]


@pytest.mark.parametrize(
    ("sample_s", "inspects", "does"),
    [(0.0, False, (False, True)), (1e-6, False, (True, False)), (1e-6, True, (True, True))],
)
def test_a_process_times_and_then_inspects_as_its_job_says(
    sample_s: float,
    inspects: bool,  # noqa: FBT001 - a parameter
    does: tuple[bool, bool],
) -> None:
    workload = Workload.of(load(IMPLEMENTATIONS / "numpy_float32.py"), SMALL, "cpu")
    job = Job(path="", framework="numpy", devices=("cpu",), sample_s=sample_s, inspects=inspects)

    measured = measure.measure(workload, job, FrameworkObserver())

    assert (measured.timing is not None, measured.inspection is not None) == does


def test_memory_that_only_a_later_training_takes_is_in_the_peak_and_the_harness_own_is_not(
    copy_of: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.access(observe.CLEAR_PEAK, os.W_OK):
        pytest.skip("this system does not reset the peak of a process's memory")
    late = copy_of(
        "numpy_float32",
        ('TIER = "eager"\n', 'TIER = "eager"\nPREPARED = []\n'),
        (
            "    del device\n",
            "    del device\n    PREPARED.append(0)\n    np.ones(10**7 * (len(PREPARED) == 5), np.float32)\n",
        ),
    )
    monkeypatch.setattr(measure, "conservation_of", taking_memory(conservation_of))
    job = Job(path="", framework="numpy", devices=("cpu",), sample_s=1e-6, inspects=True)
    peaks = []
    for path in (IMPLEMENTATIONS / "numpy_float32.py", late):
        implementation = load(path)
        loaded = Loaded(resident_bytes=observe.resident_host_bytes())
        workload = Workload.of(implementation, SMALL, "cpu")
        inspection = measure.measure(workload, job, FrameworkObserver(), loaded).inspection
        assert inspection
        assert inspection.peak_host_bytes is not None
        peaks.append(inspection.peak_host_bytes)

    assert peaks[0] < 10_000_000
    assert 30_000_000 < peaks[1] < 50_000_000


def taking_memory(function: Callable[..., Conservation]) -> Callable[..., Conservation]:
    """Let the harness take memory."""

    def call(*arguments: Any, **options: Any) -> Conservation:
        np.ones(20_000_000, np.float32)
        return function(*arguments, **options)

    return call
