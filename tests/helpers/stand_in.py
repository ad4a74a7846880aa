"""Replaces all that measures for long: NumPy's loop runs in this process, for a moment, for every loop."""

from __future__ import annotations

import gc
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import cpuinfo
import pytest

from benchmarks.ab import sides
from benchmarks.ab.versions import versions_in
from benchmarks.cli import run
from benchmarks.paths import CODE
from benchmarks.runner import dispatch
from benchmarks.runner.answers import Report
from benchmarks.studies import (
    ablation,
    conservation,
    decision_map,
    error_rates_simulation,
    error_rates_table,
    faq,
    harness_overhead,
    roofline,
    slowdown,
)
from benchmarks.studies.scaling import all_reduce
from benchmarks.studies.whole_training import WholeTraining
from benchmarks.worker import __main__ as worker
from benchmarks.worker.messages import Failure, Job, Measurement, Readiness, Runtime
from impls.contract import Ranks
from tests.helpers.hurried import HURRIED
from tests.verify.test_fairness import CONSERVED

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.messages import Message

STAND_IN = CODE / "impls" / "numpy_float32.py"


def stand_in() -> None:
    """Replace measurements, and the parts of a report that take long and have their own tests."""
    patch = pytest.MonkeyPatch()
    patch.setattr(roofline, "pin", lambda _: None)  # later commands may use every CPU
    patch.setattr(dispatch, "launch", measured_here)
    for module, name, value in HURRIED:
        patch.setattr(module, name, value)
    patch.setattr(cpuinfo, "get_cpu_info", cache(cpuinfo.get_cpu_info))  # in a process, for each record
    patch.setattr(sides, "versions_in", cache(versions_in))  # each in a process
    patch.setattr(ablation, "in_fresh_process", lambda _, number, *__, **___: fastest_s(number))
    patch.setattr(harness_overhead, "in_fresh_process", lambda *_, **__: [(1.0, 1.0)])
    patch.setattr(all_reduce, "choose_cpus", lambda _: ())  # there may be one only
    patch.setattr(all_reduce, "_on_ranks", lambda *_: [(2, 1e-4, 1e-4)])
    patch.setattr(slowdown, "in_fresh_process", lambda *_, **__: slowdown.EFFECT)
    patch.setattr(conservation, "rows_of", lambda entry, *_: 250 * [conserved_row(entry.name)])
    training = WholeTraining(total_s=1, cpu_per_wall=1, parameters=[])
    patch.setattr(decision_map, "time_whole", lambda _: training)
    patch.setattr(faq, "run", lambda *_: 0)  # the blocks of another page, which is rehearsed, too
    patch.setattr(error_rates_table, "N_RESAMPLES", 10)
    patch.setattr(error_rates_simulation, "N_COMPARISONS", 10)
    patch.setattr(run, "report_locally", lambda: ["report: rehearsed on the pages about it"])
    gallery = pytest.importorskip("benchmarks.report.plots.gallery")
    patch.setattr(gallery, "MAX_GROUPS", 1)
    patch.setattr(gallery, "MAX_SWEEPS", 1)
    patch.setattr("benchmarks.report.html.page.bundled", lambda: "")
    gc.freeze()  # else each measurement would scan all that is loaded


def conserved_row(implementation: str) -> dict[str, object]:
    """Make up a row of the study of conservation."""
    row = {"implementation": implementation, "problem": "book", "verdict": "verified", "reason": None}
    return row | {"fastest": 1.0, "typical": 1.0}


def fastest_s(number: int) -> dict[str, float]:
    """Make up the fastest steps of an ablation study's variants."""
    return dict.fromkeys(ablation.STUDIES[number].measured, 1e-6)


def measured_here(job: Job, folder: Path, name: str, beside: object = None) -> Report:
    """Answer like a worker: with NumPy's loop for a moment, whatever the job names."""
    del folder, name, beside
    here = replace(job, path=str(STAND_IN), framework="numpy", cpus=(), caches=None, runtime=Runtime())
    here = replace(here, unseen_seed=0)  # else no two jobs would be the same
    return _measured(replace(here, counter=None, sample_s=min(job.sample_s, 1e-3)), counts=bool(job.counter))


@cache
def _measured(job: Job, *, counts: bool) -> Report:
    """Measure once for many jobs."""
    readiness, *results = worker.work(job, Ranks())
    assert isinstance(readiness, Readiness)
    answers = tuple(_as_if_alone(result, counts=counts) for result in results)
    return Report(readiness=readiness, results=answers, error=None, log="")


def _as_if_alone(message: Message, *, counts: bool) -> Measurement | Failure:
    """Remove the effects of the stand-in, and of the other work in this process."""
    assert isinstance(message, Failure | Measurement)
    if isinstance(message, Failure):
        return message
    if message.inspection:
        message = replace(message, inspection=replace(message.inspection, n_host_arrays=0))
    if not message.timing:
        return message
    cost_s = message.timing.summary.min_s
    timing = replace(
        message.timing,
        conservation=replace(CONSERVED, marginal_cpu_s=cost_s, marginal_wall_s=cost_s, net_s=None),
        cpu_per_wall=1.0,
        children_cpu_s=0.0,
        n_processes=1,
        n_instructions=1e6 if counts else None,
    )
    return replace(message, timing=timing)
