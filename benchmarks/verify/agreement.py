"""Holds what an implementation computed against the reference: every step's loss, the final parameters."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.verify.curve import LossPoint, loss_curve
from benchmarks.worker.precision import UNIT_ROUNDOFF
from benchmarks.worker.training import Workload, train
from impls import numpy_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.worker.messages import Measurement, Outcome
    from benchmarks.worker.training import Training
    from impls.contract import Implementation, Problem

LOSS_TOLERANCE = 2e-5
PARAMETER_TOLERANCE = 1e-4
"""Absolute. Correct float32 loops stay within 8e-6 and 2e-5 over 10,000 steps (measured). A loss moves by
x times what a parameter moves by, so that its tolerance grows with the features."""

ROUNDED_LOSS, ROUNDED_SAMPLE, ROUNDED_PARAMETER = 3, 5, 16
"""In unit roundoffs of the format that the products' operands are rounded to. The second is for the part of a
loss's deviation that is each sample's own and averages out, as one over the square root of the batch.

Twice what an emulation shows: NumPy's loop with its operands rounded, to nearest or toward zero (and for
bfloat16 each product too, as XLA does), over book, small (10,000 steps), large, wide, and batches of 1 and
10. Losses are then off by at most 1.4 (1000 samples), 1.8 (10) and 4.0 (1) unit roundoffs, final parameters
by 7.2, in both formats. tests/verify/test_rounded_loops.py runs it again.

In TF32 a learning rate off by 1 % is still seen. In bfloat16 one off by 10 % is, on book by 5 %, and 1 % is
not; nor is any other mistake that moves the losses by less than 0.01.
"""

SATURATED = LOSS_TOLERANCE / 4
"""Where float32 leaves a loss more ambiguous than this, float64 can't judge it."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The reference's training, and in which precision it was run."""

    precision: str  # "float64"; "float32" for a saturated problem
    data_digest: str
    training: Training
    ambiguity: NDArray[Any]  # (n_steps,): see impls.numpy_reference.ambiguity


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far an implementation is from the reference, and the first fault, if there is one."""

    reference: str
    n_steps: int
    max_loss_deviation: float | None = None  # None: not comparable
    max_parameter_deviation: float | None = None
    fault: str | None
    curve: tuple[LossPoint, ...] = ()  # none: not comparable, or of a record older than it


@functools.cache
def reference_for(problem: Problem) -> Reference:
    """Train the reference, in float64.

    Where the sigmoid comes so close to 1 that float32 has few values left, or one, float64 is the wrong
    oracle: the loss as it is written then gives 100 and a gradient of 0, in float32 only. Such a problem is
    judged by the same formula in float32.
    """
    reference = _train_reference(problem, "float64")
    if reference.ambiguity.max() <= SATURATED:
        return reference
    return _train_reference(problem, "float32")


def _train_reference(problem: Problem, precision: str) -> Reference:
    states: list[numpy_reference.State] = []

    def prepare(*args: Any) -> numpy_reference.State:  # noqa: ANN401 - passed on as they are
        states.append(numpy_reference.prepare(*args, dtype=precision))
        return states[-1]

    oracle = SimpleNamespace(**(vars(numpy_reference) | {"prepare": prepare}))
    workload = Workload.of(cast("Implementation", oracle), problem)
    return Reference(
        precision=precision,
        data_digest=workload.data_digest,
        training=train(workload),
        ambiguity=np.array(states[-1].ambiguity),
    )


def check(problem: Problem, measurement: Measurement) -> Agreement:
    """Compare all that the process computed with the reference; the fault names the first bad step."""
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
    losses = _Comparison(
        name=lambda i: f"loss of {_step_name(problem, i)}",
        expected=expected.losses,
        found=_furthest(measurement, expected, ("losses",)),
        tolerance=loss_tolerance + reference.ambiguity,
    )
    parameters = _Comparison(
        name=lambda i: f"{f'weight[{i}]' if i < problem.n_features else 'bias'} after the last step",
        expected=np.append(expected.weight, expected.bias),
        found=_furthest(measurement, expected, ("weight", "bias")),
        tolerance=np.full(problem.n_features + 1, parameter_tolerance),
    )
    return Agreement(
        reference=reference.precision,
        n_steps=n_steps,
        max_loss_deviation=losses.max_deviation,
        max_parameter_deviation=parameters.max_deviation,
        fault=losses.first_fault or parameters.first_fault,
        curve=loss_curve(losses.expected, losses.found),
    )


def tolerances(problem: Problem) -> tuple[float, float]:
    """Say how far a loss and a final parameter may lie from the reference, absolutely."""
    if problem.precision == "float32":
        return LOSS_TOLERANCE * max(1, problem.feature_scale), PARAMETER_TOLERANCE
    roundoff = UNIT_ROUNDOFF[problem.precision]
    smallest_batch = problem.last_batch_size or problem.batch_size
    loss = ROUNDED_LOSS + ROUNDED_SAMPLE / math.sqrt(smallest_batch)
    return loss * roundoff, ROUNDED_PARAMETER * roundoff


def badness(agreement: Agreement) -> tuple[bool, float]:
    """Order agreements: those with a fault last, then by the loss's deviation."""
    return agreement.fault is not None, agreement.max_loss_deviation or 0.0


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """Values found against values expected, both of shape (n,)."""

    name: Callable[[int], str]
    expected: NDArray[Any]
    found: NDArray[Any]
    tolerance: NDArray[Any]

    @property
    def max_deviation(self) -> float | None:
        largest = float(np.abs(self.found - self.expected).max())
        return largest if np.isfinite(largest) else None

    @property
    def first_fault(self) -> str | None:
        agrees = np.abs(self.found - self.expected) <= self.tolerance  # False for NaN
        if agrees.all():
            return None
        first = int(np.argmin(agrees))
        expected, found = self.expected[first], self.found[first]
        return (
            f"{self.name(first)}: expected {expected:.7g}, found {found:.7g}, "
            f"off by {abs(found - expected):.2g}, tolerance {self.tolerance[first]:.2g}"
        )


def _step_name(problem: Problem, index: int) -> str:
    epoch, batch = divmod(index, problem.n_batches)
    return f"step {index + 1} (epoch {epoch + 1}, batch {batch + 1})"


def _furthest(measurement: Measurement, training: Training, names: tuple[str, ...]) -> NDArray[Any]:
    """Of the process's lowest and highest values, take whichever is further from the reference's."""

    def joined(source: Outcome | Training) -> NDArray[Any]:
        return np.concatenate([np.ravel(getattr(source, name)) for name in names])

    expected, low, high = joined(training), joined(measurement.lowest), joined(measurement.highest)
    return np.where(np.abs(high - expected) > np.abs(low - expected), high, low)
