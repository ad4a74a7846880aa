"""Measures the precision of a loop's two matrix products, on data that rounding changes by a known amount.

A setting is not enough: a framework may not use the precision that it allows. PyTorch never computes a
product of matrix and vector in TF32, even if allowed; XLA turns it into a sum, and rounds there if a dot
algorithm is named. So the loop runs some epochs on special batches of the problem's own shape.

It computes each product twice: from numbers that every format has, and from numbers that rounding changes.
An error that both have is none of rounding: rows were left out (only the last ones count), or the step is not
Adam's. It is checked separately, and cancels in the other.
"""

from collections.abc import Callable
from dataclasses import replace
from math import frexp, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.tolerances import UNIT_ROUNDOFF
from benchmarks.worker.training import Workload
from impls import numpy_reference
from impls.contract import Batch, Batches, EpochResult, Parameters, Precision, Problem

PROBE = 1 + 3.4 * 2**-10
"""TF32 rounds it to 1 + 3/1024 and bfloat16 to 1, to nearest or toward zero alike: off by 0.80 and 0.85 unit
roundoffs. The loop multiplies this number, times powers of two."""

EXACT = 1.0
"""Every format has it, and powers of two times it."""

ABOVE = 1 + 2**-18
"""A derivative is not exact: a little above 1, all formats round it to 1 rather than to the number below."""

LOST = (1.2, 2.4)
"""The relative error of a product of two such numbers, in unit roundoffs: 1.6 or 1.7 if both are rounded,
half of that if one is, 8 times more or less in the other format."""

FLOAT32_ERROR = 1e-5
"""Relative. On a CPU, all loops are off by at most 1.1e-6, up to 1,000,000 samples and 4096 features
(measured)."""

BIASES = (0.1, 0.2, 0.3, 0.4)
"""Added to logits from -4 to 3, which are whole numbers. So an error that depends on where a logit lies
between two entries of a table is nearly the same in all rows, and their mean does not hide it."""

SUM_ERROR = 1e-9
"""For each row, relative, of a mean of losses that repeat: some loops add them up in float32, one after the
other. Up to 3.7e-10 (measured, from 10,000 to 1,000,000 rows)."""

MAX_FEATURES, MAX_SAMPLES = 16, 256
"""At most this many are not zero: float32 could not sum more equal numbers without an error."""


def error_range(precision: Precision) -> tuple[float, float]:
    """Return the smallest and largest relative error of a product in this precision, on the probe's data."""
    if precision == "float32":
        return 0.0, FLOAT32_ERROR
    return LOST[0] * UNIT_ROUNDOFF[precision], LOST[1] * UNIT_ROUNDOFF[precision]


class ProbeErrors(NamedTuple):
    """The largest relative errors; None: the loop raised an error."""

    forward: float | None = None  # of x·w, by rounding
    backward: float | None = None  # of xᵀ·d, by rounding
    loss: float | None = None  # of a loss, where nothing is rounded
    ordinary: float | None = None  # of a loss of ordinary logits and labels, where no product is rounded
    step: float | None = None  # of a step whose gradient is far below Adam's ε, where nothing is rounded


def probe_errors(workload: Workload) -> ProbeErrors:
    """Return the errors of the loop's products, and of a loss and a step without rounding.

    Raises:
        Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
    """
    return workload.group.answer_of(_probe_errors, workload) or ProbeErrors()


def _probe_errors(workload: Workload) -> ProbeErrors:
    with np.errstate(all="ignore"):  # a step of 0 divides by 0
        loss, forward = _errors(workload, forward_probe, lambda result: result.losses[0])
        ordinary = float(np.max([_ordinary_error(workload, bias) for bias in BIASES]))  # NaN prevails
        step, backward = _errors(workload, backward_probe, lambda result: result.weight)
    return ProbeErrors(forward, backward, loss, ordinary, step)


def _errors(
    workload: Workload,
    probe: Callable[[Problem, float], tuple[Parameters, Batches]],
    look: Callable[[EpochResult], NDArray[Any]],
) -> tuple[float, float]:
    """Return the relative error with the exact number, and how much larger it is with the probe."""
    exact, rounded = (_share(workload, *probe(workload.problem, number), look) for number in (EXACT, PROBE))
    return float(np.abs(exact - 1).max()), float(np.abs(rounded / exact - 1).max())


def _share(
    workload: Workload,
    parameters: Parameters,
    batches: Batches,
    look: Callable[[EpochResult], NDArray[Any]],
) -> NDArray[Any]:
    """Return the loop's result over the reference's, which needs one row of the batches after the first."""
    reference = replace(workload, implementation=numpy_reference)
    few_rows = [batches[0], *((x[:1], y[:1]) for x, y in batches[1:])]
    n_probed = _n_probed(workload.problem)
    found, expected = (
        np.atleast_1d(look(result))[:n_probed]
        for result in (_run(workload, parameters, batches), _run(reference, parameters, few_rows))
    )
    share: NDArray[Any] = found / expected
    return share


def _ordinary_error(workload: Workload, bias: float) -> float:
    """Return the relative error of the first loss, whose logits and labels are spread as in any training."""
    parameters, batches = ordinary_probe(workload.problem, bias)
    x, y = batches[0]
    logit = x.astype(np.float64) @ parameters.weight + parameters.bias
    expected = np.logaddexp(0, np.where(y, -logit, logit)).mean()
    return float(abs(_run(workload, parameters, batches).losses[0] / expected - 1))


def ordinary_probe(problem: Problem, bias: float) -> tuple[Parameters, Batches]:
    """Let the products be whole numbers from -4 to 3, in every format, and the labels those of their sign."""
    n_features = _n_probed(problem)
    weight = np.zeros(problem.n_features, np.float32)
    weight[:n_features] = 1 / n_features
    product = np.arange(problem.batch_size, dtype=np.float32) % 8 - 4
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    x[:, :n_features] = product[:, np.newaxis]
    batch = (x, (product >= 0).astype(np.float32))
    return Parameters(weight, np.array(bias, np.float32)), _epoch(problem, batch, batch)


def forward_probe(problem: Problem, number: float) -> tuple[Parameters, Batches]:
    """Put the number into features and weights: their product, a logit near -4, shows in the first loss.

    There, with a label of 1, loss and logit have the same relative error (within 3 %). All labels are 1, and
    only the last samples have a loss: the others' logits are 64.
    """
    n_features = _n_probed(problem)
    weight = np.zeros(problem.n_features, np.float32)
    weight[:n_features] = -4 / n_features * number
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    x[:, :n_features] = -16
    x[_last_rows(problem), :n_features] = number
    batch = (x, np.ones(problem.batch_size, np.float32))
    return Parameters(weight, np.zeros((), np.float32)), _epoch(problem, batch, batch)


def backward_probe(problem: Problem, number: float) -> tuple[Parameters, Batches]:
    """Put the number into features and derivatives: their product is the gradient and shows in the weights.

    All labels and weights are 0, so that a derivative is p / batch_size, where p follows from the bias. The
    features are so small that the gradient is far below Adam's ε, where a step is proportional to it. Only
    the last samples of the first batch have features other than 0, and thus a gradient.
    """
    significand, _ = frexp(max(number, ABOVE) * _first_size(problem))
    p = significand / 2  # from 1/4 to 1/2: a power of two times the number times the batch's size
    bias = np.array(log(p / (1 - p)), np.float32)
    x = np.zeros((problem.batch_size, problem.n_features), np.float32)
    rest = (x.copy(), np.zeros(problem.batch_size, np.float32))
    x[_last_rows(problem), : _n_probed(problem)] = number * 2**-34
    return Parameters(np.zeros(problem.n_features, np.float32), bias), _epoch(problem, (x, rest[1]), rest)


def _n_probed(problem: Problem) -> int:
    """Return a power of two: dividing by it keeps all digits."""
    return 1 << min(problem.n_features, MAX_FEATURES).bit_length() - 1


def _first_size(problem: Problem) -> int:
    return problem.batch_size if problem.n_batches > 1 else problem.samples_per_epoch


def _last_rows(problem: Problem) -> slice:
    """Return the rows with the number: at most half of a batch, so that its mean shows if one is missing."""
    return slice(-max(1, min(MAX_SAMPLES, _first_size(problem) // 2)), None)


def _epoch(problem: Problem, first: Batch, rest: Batch) -> list[Batch]:
    """Return as many batches as the problem has, the last one ragged as there."""
    batches = [first, *[rest] * (problem.n_batches - 1)]
    x, y = batches[-1]
    last = problem.last_batch_size or problem.batch_size
    batches[-1] = (x[-last:], y[-last:])
    return batches


def _run(workload: Workload, parameters: Parameters, batches: Batches) -> EpochResult:
    implementation, problem, device = workload.implementation, workload.problem, workload.device
    placed = implementation.place(problem, batches, device)
    state = implementation.run_epoch(implementation.prepare(problem, parameters, device), placed)
    return implementation.export(state)
