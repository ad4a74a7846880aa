"""Products in TF32 and bfloat16, imitated in NumPy: the imitation needs no GPU."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.verify.fairness import manifest
from benchmarks.worker import measure
from benchmarks.worker.messages import Job
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.messages import Measurement
    from impls.contract import Precision, Problem

ROUNDING = """
DROPPED = {"float32": 0, "tf32": 13, "bfloat16": 16}  # bits
PROCESS = {"precision": "float32"}


def toward_zero(array):
    dropped = DROPPED[PROCESS["precision"]]
    return (np.ascontiguousarray(array).view(np.uint32) >> dropped << dropped).view(np.float32)


def to_nearest(array):
    dropped = DROPPED[PROCESS["precision"]]
    bits = np.ascontiguousarray(array).view(np.uint32)
    to_even = (1 << dropped >> 1) + (bits >> dropped & 1) - 1 if dropped else 0
    return toward_zero((bits + to_even).view(np.float32))
"""

FORWARD, BACKWARD = "x @ state.parameters[:-1]", "d_logit @ x"
FORMS = {
    "operands to nearest": (
        "to_nearest(x) @ to_nearest(state.parameters[:-1])",
        "to_nearest(d_logit) @ to_nearest(x)",
    ),
    "operands toward zero": (
        "toward_zero(x) @ toward_zero(state.parameters[:-1])",
        "toward_zero(d_logit) @ toward_zero(x)",
    ),
    "operands and products to nearest": (
        "to_nearest(to_nearest(x) * to_nearest(state.parameters[:-1])).sum(1)",
        "to_nearest(to_nearest(d_logit)[:, None] * to_nearest(x)).sum(0)",
    ),
}
FORMATS: list[tuple[Precision, str]] = [
    ("tf32", "operands to nearest"),
    ("tf32", "operands toward zero"),
    ("bfloat16", "operands to nearest"),
    ("bfloat16", "operands toward zero"),
    ("bfloat16", "operands and products to nearest"),
]


class Rounded(Protocol):
    def __call__(self, forward: str, backward: str, *changes: tuple[str, str], as_name: str = ...) -> Path:
        """Return NumPy's loop with these products, rounding to its problem's precision."""


def look_at(path: Path, problem: Problem, *, n_unseen: int = 0) -> Measurement:
    """Measure as an inspecting worker does, but in this process, which may have loaded frameworks.

    Without `n_unseen` no unseen values of the problem's own size are drawn, either: that may take seconds.
    """
    workload = Workload.of(load(path), problem)
    job = Job(path=str(path), framework="numpy", devices=("cpu",), sample_s=0.0, n_unseen=n_unseen)
    with pytest.MonkeyPatch.context() as patch:
        if not n_unseen:
            patch.setattr(measure, "n_kinds_of", lambda *_: 0)
        return replace(measure.measure(workload, job, FrameworkObserver()), other_frameworks=[])


def unfair(path: Path, problem: Problem) -> list[str]:
    """Return the names of the checks that do not hold."""
    checks = manifest(read_entry(path), problem, look_at(path, problem, n_unseen=1), n_cores=1)
    return [check.name for check in checks if check.holds is False]
