"""In which precision does a loop multiply? Asked of the loop itself, on data whose rounding betrays it.

A setting tells little: what it allows may not happen. PyTorch's products of matrix and vector never use TF32,
whatever it is allowed; XLA turns them into sums, and rounds there if a dot algorithm was named. So the loop
runs two epochs on batches of the problem's own shape, made for the purpose, and its results tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, log
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.cases.tolerances import UNIT_ROUNDOFF
from impls import numpy_reference
from impls.contract import Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.worker.training import Workload
    from impls.contract import Batch, Batches, EpochResult, Precision, Problem


TELLING = 1 + 3.4 * 2**-10
"""To nearest or toward zero alike, TF32 makes 1 + 3/1024 of it and bfloat16 1: 0.80 and 0.85 unit roundoffs
off. A power of two times this is what the probe multiplies."""

LOST = (1.2, 2.4)
"""Unit roundoffs that a product of two such numbers is off: 1.6 or 1.7 where both are rounded, half of that
where one is, 8 times as much or as little in the other format."""

FLOAT32_ERROR = 1e-5
"""Relative. On a CPU, all loops are off by at most 1.1e-6, up to 1,000,000 samples and 4096 features
(measured)."""

MAX_FEATURES, MAX_SAMPLES = 16, 256
"""So many at most differ from zero: more equal numbers could not be summed in float32 without an error."""


def error_range(precision: Precision) -> tuple[float, float]:
    """Say between which relative errors both products lie, on the probe's data, where they are in it."""
    if precision == "float32":
        return 0.0, FLOAT32_ERROR
    return LOST[0] * UNIT_ROUNDOFF[precision], LOST[1] * UNIT_ROUNDOFF[precision]


@dataclass(frozen=True, kw_only=True)
class ProductErrors:
    """The relative errors of a loop's two matrix products; None: it raised an error."""

    forward_error: float | None  # of x·w
    backward_error: float | None  # of xᵀ·d


def measure_products(workload: Workload) -> ProductErrors:
    """Run the two epochs. A loop that fails there has failed on its problem too, which tells more."""
    try:
        return _measured(workload)
    except Exception:  # noqa: BLE001 - whatever an implementation raises
        return ProductErrors(forward_error=None, backward_error=None)


def _measured(workload: Workload) -> ProductErrors:
    problem, n_features = workload.problem, _n_telling(workload.problem)
    parameters, batches = forward_probe(problem)
    expected = _reference(problem, parameters, batches[:1]).losses[0]
    # At a logit near -4 and a label of 1 the loss is off by what the logit is off (relative, within 3 %).
    forward = _run(workload, parameters, batches).losses[0] / expected - 1
    parameters, batches = backward_probe(problem)
    without_features = [batches[0], *((x[:1], y[:1]) for x, y in batches[1:])]
    wanted = _reference(problem, parameters, without_features).weight[:n_features]
    backward = _run(workload, parameters, batches).weight[:n_features] / wanted - 1
    return ProductErrors(forward_error=abs(float(forward)), backward_error=float(np.abs(backward).max()))


def forward_probe(problem: Problem) -> tuple[Parameters, Batches]:
    """Make telling features and weights: their product is the logit, -4.03, and shows in the first loss.

    All labels are 1. Samples beyond the telling ones have a logit of 64 and a loss of 0.
    """
    n_features = _n_telling(problem)
    weight = np.zeros(problem.n_features, np.float32)
    weight[:n_features] = -4 / n_features * TELLING
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    x[:, :n_features] = -16
    x[:MAX_SAMPLES, :n_features] = TELLING
    batch = (x, np.ones(problem.batch_size, np.float32))
    return Parameters(weight, np.zeros((), np.float32)), _epoch(problem, batch, batch)


def backward_probe(problem: Problem) -> tuple[Parameters, Batches]:
    """Make telling features and derivatives: their product is the gradient and shows in the weights.

    All labels are 0 and all weights too, so that a derivative is p / batch_size, where p follows from the
    bias. The features are so small that the gradient is far below Adam's ε: there, a step is proportional to
    it. The batches after the first have features of 0 and add nothing to the gradient.
    """
    first_size = problem.batch_size if problem.n_batches > 1 else problem.samples_per_epoch
    significand, _ = frexp(TELLING * first_size)
    p = significand / 2  # from 1/4 to 1/2: a power of two times TELLING times the batch's size
    bias = np.array(log(p / (1 - p)), np.float32)
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    rest = (x.copy(), np.zeros(problem.batch_size, np.float32))
    x[:MAX_SAMPLES, : _n_telling(problem)] = TELLING * 2**-34
    return Parameters(np.zeros(problem.n_features, np.float32), bias), _epoch(problem, (x, rest[1]), rest)


def _n_telling(problem: Problem) -> int:
    """Give a power of two, so that dividing by it leaves the digits as they are."""
    return 1 << min(problem.n_features, MAX_FEATURES).bit_length() - 1


def _epoch(problem: Problem, first: Batch, rest: Batch) -> list[Batch]:
    """Give as many batches as the problem has, the last one as ragged."""
    batches = [first, *[rest] * (problem.n_batches - 1)]
    x, y = batches[-1]
    batches[-1] = (x[: problem.last_batch_size], y[: problem.last_batch_size])
    return batches


def _run(workload: Workload, parameters: Parameters, batches: Batches) -> EpochResult:
    implementation, problem, device = workload.implementation, workload.problem, workload.device
    placed = implementation.place(problem, batches, device)
    state = implementation.run_epoch(implementation.prepare(problem, parameters, device), placed)
    return implementation.export(state)


def _reference(problem: Problem, parameters: Parameters, batches: Sequence[Batch]) -> EpochResult:
    return numpy_reference.export(
        numpy_reference.run_epoch(numpy_reference.prepare(problem, parameters, "cpu"), batches)
    )
