"""Compares an implementation's results with the reference: every step's loss and the final parameters."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.tolerances import AMBIGUITY, tolerances
from benchmarks.records.row import Agreement, LossPoint
from benchmarks.worker.messages import Measurement, Outcome
from benchmarks.worker.training import Training, Workload, train
from impls import numpy_reference
from impls.contract import Implementation, Problem

Precision: TypeAlias = Literal["float64", "float32"]

MAX_POINTS = 60
"""Of a loss curve: as many as the book's training has steps."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The reference's training and its precision."""

    precision: Precision  # "float32" for a saturated problem
    data_digest: str
    training: Training
    ambiguity: NDArray[Any]  # (n_steps,): see impls.numpy_reference.ambiguity


@cache
def reference_for(problem: Problem) -> Reference:
    """Train the reference, in float64.

    Where the sigmoid is so close to 1 that float32 has few values left, or one, float64 is the wrong
    reference: the formula then gives a loss of 100 and a gradient of 0, in float32 only. Such a problem's
    reference is the same formula in float32.
    """
    workload_of = partial(Workload.of, problem=problem)
    reference = train_reference(workload_of, "float64")
    if reference.ambiguity.max() <= AMBIGUITY:
        return reference
    return train_reference(workload_of, "float32")


def train_reference(workload_of: Callable[[Implementation], Workload], precision: str) -> Reference:
    """Train the reference in this precision on a workload's data."""
    states: list[numpy_reference.State] = []

    def prepare(*args: Any) -> numpy_reference.State:  # noqa: ANN401 - passed on as they are
        states.append(numpy_reference.prepare(*args, dtype=precision))
        return states[-1]

    oracle = SimpleNamespace(**(vars(numpy_reference) | {"prepare": prepare}))
    workload = workload_of(cast("Implementation", oracle))
    return Reference(
        precision=cast("Precision", precision),
        data_digest=workload.data_digest,
        training=train(workload),
        ambiguity=np.array(states[-1].ambiguity),
    )


def check(problem: Problem, measurement: Measurement) -> Agreement:
    """Compare all results of a process with the reference; the fault names the first wrong step."""
    reference = reference_for(replace(problem, precision="float32"))
    expected = reference.training
    n_steps = len(measurement.lowest.losses)
    loss_tolerance, parameter_tolerance = tolerances(problem)
    incomparable = None
    if measurement.data_digest != reference.data_digest:
        incomparable = f"other data: expected digest {reference.data_digest}, found {measurement.data_digest}"
    elif n_steps != len(expected.losses):
        incomparable = f"stopped after {n_steps} steps, expected {len(expected.losses)}"
    if incomparable:
        return Agreement(reference=reference.precision, n_steps=n_steps, fault=incomparable)
    losses = _furthest(measurement, expected, ("losses",))
    loss_deviation, loss_fault = compare(
        losses, expected.losses, loss_tolerance + reference.ambiguity, partial(loss_name, problem)
    )
    parameter_deviation, parameter_fault = compare(
        _furthest(measurement, expected, ("weight", "bias")),
        np.append(expected.weight, expected.bias),
        np.full(problem.n_features + 1, parameter_tolerance),
        partial(parameter_name, problem),
    )
    return Agreement(
        reference=reference.precision,
        n_steps=n_steps,
        max_loss_deviation=loss_deviation,
        max_parameter_deviation=parameter_deviation,
        fault=loss_fault or parameter_fault,
        curve=loss_curve(expected.losses, losses),
    )


def compare(
    found: NDArray[Any], expected: NDArray[Any], tolerance: NDArray[Any], name_of: Callable[[int], str]
) -> tuple[float | None, str | None]:
    """Return the largest deviation, None if not finite, and the first fault; all arrays are of shape (n,)."""
    deviations = np.abs(found - expected)
    largest = float(deviations.max()) if np.isfinite(deviations).all() else None
    agrees = deviations <= tolerance  # False for NaN
    if agrees.all():
        return largest, None
    first = int(np.argmin(agrees))
    return largest, (
        f"{name_of(first)}: expected {expected[first]:.7g}, found {found[first]:.7g}, "
        f"off by {deviations[first]:.2g}, tolerance {tolerance[first]:.2g}"
    )


def loss_name(problem: Problem, index: int) -> str:
    """Name a loss by its step, counted from 1."""
    epoch, batch = divmod(index, problem.n_batches)
    return f"loss of step {index + 1} (epoch {epoch + 1}, batch {batch + 1})"


def parameter_name(problem: Problem, index: int) -> str:
    """Name a final parameter; the bias comes last."""
    return f"{f'weight[{index}]' if index < problem.n_features else 'bias'} after the last step"


def _furthest(measurement: Measurement, training: Training, names: tuple[str, ...]) -> NDArray[Any]:
    """Return, value by value, the process's lowest or highest: the one further from the reference."""

    def joined(source: Outcome | Training) -> NDArray[Any]:
        return np.concatenate([np.ravel(getattr(source, name)) for name in names])

    expected, low, high = joined(training), joined(measurement.lowest), joined(measurement.highest)
    return np.where(np.abs(high - expected) > np.abs(low - expected), high, low)


def loss_curve(expected: NDArray[Any], found: NDArray[Any]) -> tuple[LossPoint, ...]:
    """Thin the losses found and expected, both (n_steps,), to the same evenly spread steps.

    The first and the last step are among them. A point has the largest deviation since the point before, so
    that the largest of all is kept. Losses are rounded to 7 significant digits, deviations to 2.
    """
    last = np.unique(np.linspace(0, len(found) - 1, MAX_POINTS).round().astype(int))
    since = np.append(0, last[:-1] + 1)
    deviations = np.maximum.reduceat(np.abs(found - expected), since)
    return tuple(
        LossPoint(int(i) + 1, _rounded(found[i], 7), float(f"{expected[i]:.7g}"), _rounded(deviation, 2))
        for i, deviation in zip(last, deviations, strict=True)
    )


def _rounded(value: float, n_digits: int) -> float | None:
    return float(f"{value:.{n_digits}g}") if np.isfinite(value) else None
