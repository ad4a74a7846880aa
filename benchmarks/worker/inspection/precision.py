"""Measures the precision of a loop's two matrix products, on data that rounding changes by a known amount.

A setting is not enough: a framework may not use the precision that it allows. PyTorch never computes a
product of matrix and vector in TF32, even if allowed; XLA turns it into a sum, and rounds there if a dot
algorithm is named. So the loop runs two epochs on special batches of the problem's own shape.
"""

from __future__ import annotations

from dataclasses import replace
from math import frexp, log
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.cases.tolerances import UNIT_ROUNDOFF
from impls import numpy_reference
from impls.contract import Parameters

if TYPE_CHECKING:
    from benchmarks.worker.training import Workload
    from impls.contract import Batch, Batches, EpochResult, Precision, Problem


PROBE = 1 + 3.4 * 2**-10
"""TF32 rounds it to 1 + 3/1024 and bfloat16 to 1, to nearest or toward zero alike: off by 0.80 and 0.85 unit
roundoffs. The loop multiplies this number, times powers of two."""

LOST = (1.2, 2.4)
"""The relative error of a product of two such numbers, in unit roundoffs: 1.6 or 1.7 if both are rounded,
half of that if one is, 8 times more or less in the other format."""

FLOAT32_ERROR = 1e-5
"""Relative. On a CPU, all loops are off by at most 1.1e-6, up to 1,000,000 samples and 4096 features
(measured)."""

MAX_FEATURES, MAX_SAMPLES = 16, 256
"""At most this many are not zero: float32 could not sum more equal numbers without an error."""


def error_range(precision: Precision) -> tuple[float, float]:
    """Return the smallest and largest relative error of a product in this precision, on the probe's data."""
    if precision == "float32":
        return 0.0, FLOAT32_ERROR
    return LOST[0] * UNIT_ROUNDOFF[precision], LOST[1] * UNIT_ROUNDOFF[precision]


def product_errors(workload: Workload) -> tuple[float | None, float | None]:
    """Return the relative errors of the loop's x·w and xᵀ·d; None twice if it raises an error."""
    try:
        return _measured(workload)
    except Exception:  # noqa: BLE001 - it has raised the error on its own problem, too, where it is reported
        return None, None


def _measured(workload: Workload) -> tuple[float, float]:
    problem, n_features = workload.problem, _n_probed(workload.problem)
    parameters, batches = forward_probe(problem)
    reference = replace(workload, implementation=numpy_reference)
    expected = _run(reference, parameters, batches[:1]).losses[0]
    # At a logit near -4 and a label of 1, loss and logit have the same relative error (within 3 %).
    forward = _run(workload, parameters, batches).losses[0] / expected - 1
    parameters, batches = backward_probe(problem)
    without_features = [batches[0], *((x[:1], y[:1]) for x, y in batches[1:])]
    wanted = _run(reference, parameters, without_features).weight[:n_features]
    backward = _run(workload, parameters, batches).weight[:n_features] / wanted - 1
    return abs(float(forward)), float(np.abs(backward).max())


def forward_probe(problem: Problem) -> tuple[Parameters, Batches]:
    """Put the probe into features and weights: their product, the logit -4.03, shows in the first loss.

    All labels are 1. The samples without the probe have a logit of 64 and a loss of 0.
    """
    n_features = _n_probed(problem)
    weight = np.zeros(problem.n_features, np.float32)
    weight[:n_features] = -4 / n_features * PROBE
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    x[:, :n_features] = -16
    x[:MAX_SAMPLES, :n_features] = PROBE
    batch = (x, np.ones(problem.batch_size, np.float32))
    return Parameters(weight, np.zeros((), np.float32)), _epoch(problem, batch, batch)


def backward_probe(problem: Problem) -> tuple[Parameters, Batches]:
    """Put the probe into features and derivatives: their product is the gradient and shows in the weights.

    All labels and weights are 0, so that a derivative is p / batch_size, where p follows from the bias. The
    features are so small that the gradient is far below Adam's ε, where a step is proportional to it. Only
    the first batch has features other than 0, and thus a gradient.
    """
    first_size = problem.batch_size if problem.n_batches > 1 else problem.samples_per_epoch
    significand, _ = frexp(PROBE * first_size)
    p = significand / 2  # from 1/4 to 1/2: a power of two times PROBE times the batch's size
    bias = np.array(log(p / (1 - p)), np.float32)
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    rest = (x.copy(), np.zeros(problem.batch_size, np.float32))
    x[:MAX_SAMPLES, : _n_probed(problem)] = PROBE * 2**-34
    return Parameters(np.zeros(problem.n_features, np.float32), bias), _epoch(problem, (x, rest[1]), rest)


def _n_probed(problem: Problem) -> int:
    """Return a power of two: dividing by it keeps all digits."""
    return 1 << min(problem.n_features, MAX_FEATURES).bit_length() - 1


def _epoch(problem: Problem, first: Batch, rest: Batch) -> list[Batch]:
    """Return as many batches as the problem has, the last one ragged as there."""
    batches = [first, *[rest] * (problem.n_batches - 1)]
    x, y = batches[-1]
    batches[-1] = (x[: problem.last_batch_size], y[: problem.last_batch_size])
    return batches


def _run(workload: Workload, parameters: Parameters, batches: Batches) -> EpochResult:
    implementation, problem, device = workload.implementation, workload.problem, workload.device
    placed = implementation.place(problem, batches, device)
    state = implementation.run_epoch(implementation.prepare(problem, parameters, device), placed)
    return implementation.export(state)
