"""The oracle: NumPy, gradients derived by hand, in float64."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "numpy"
TIER = "reference"
GRADIENT = "by hand"
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step")

NEGLIGIBLE = 1e-6
"""An ambiguity below this need not be known exactly."""


@dataclass
class State:
    """One vector of parameters, the bias last, and Adam's moments of the same shape (n_features + 1,)."""

    loss: str
    learning_rate: float
    parameters: NDArray[Any]
    first_moment: NDArray[Any]
    second_moment: NDArray[Any]
    n_steps: int = 0
    losses: list[float] = field(default_factory=list)
    ambiguity: list[float] = field(default_factory=list)  # of each step so far


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    return None if device == "cpu" else "NumPy runs on the CPU only"


def prepare(
    problem: Problem, parameters: Parameters, device: Device, *, dtype: DTypeLike = np.float64
) -> State:
    """Start from these parameters, in float64 or, as the same-formula oracle, in float32."""
    del device
    vector = np.append(parameters.weight, parameters.bias).astype(dtype)
    return State(problem.loss, problem.learning_rate, vector, np.zeros_like(vector), np.zeros_like(vector))


def place(problem: Problem, batches: Batches, device: Device) -> Batches:
    """Leave the batches as they are."""
    del problem, device
    return batches


def run_epoch(state: State, batches: Batches) -> State:
    """Train on each batch in order."""
    state.losses = []
    for x, y in batches:
        logit = x.astype(state.parameters.dtype) @ state.parameters[:-1] + state.parameters[-1]
        y_pred = sigmoid(logit)
        if state.loss == "bce":
            state.losses.append(binary_cross_entropy(y_pred, y))
            state.ambiguity.append(ambiguity(logit, y))
            adam(state, backward(x, y, y_pred))
        else:
            state.losses.append(binary_cross_entropy_with_logits(logit, y))
            state.ambiguity.append(0.0)
            adam(state, backward_with_logits(x, y, y_pred))
    return state


def export(state: State) -> EpochResult:
    """Return the epoch's losses (n_batches,), weight (n_features,) and bias ()."""
    losses = np.array(state.losses, state.parameters.dtype)
    return EpochResult(losses, state.parameters[:-1].copy(), state.parameters[-1].copy())


def sigmoid(logit: NDArray[Any]) -> NDArray[Any]:
    """Compute 1 / (1 + exp(-logit)), shape (batch_size,)."""
    with np.errstate(over="ignore"):  # 1 / inf is 0, as it should be
        y_pred: NDArray[Any] = 1 / (1 + np.exp(-logit))
    return y_pred


def binary_cross_entropy(y_pred: NDArray[Any], y: NDArray[Any]) -> float:
    """Compute the mean of -(y·ln p + (1 - y)·ln(1 - p)), each logarithm clamped as in torch.nn.BCELoss."""
    with np.errstate(divide="ignore"):  # ln 0 is -inf, and clamped
        log_p = np.maximum(np.log(y_pred), LOG_CLAMP)
        log_q = np.maximum(np.log1p(-y_pred), LOG_CLAMP)
    return float(-(y * log_p + (1 - y) * log_q).mean())


def binary_cross_entropy_with_logits(logit: NDArray[Any], y: NDArray[Any]) -> float:
    """Compute the same mean from the logits z, as max(z, 0) - y·z + ln(1 + exp(-|z|)): nothing saturates."""
    return float((np.maximum(logit, 0) - y * logit + np.log1p(np.exp(-np.abs(logit)))).mean())


def ambiguity(logit: NDArray[Any], y: NDArray[Any]) -> float:
    """Return how far apart two correct float32 programs' losses can be, because they round p differently.

    Close to 1, float32 has few values, and one step between them moves ln(1 - p) by up to 83; below 1.2e-38,
    some processors and compilers round p to 0, and ln p drops to the clamp. Elsewhere this is tiny.
    """
    exact = sigmoid(logit.astype(np.float64))
    with np.errstate(divide="ignore"):
        bound = np.where(y == 1, 2**-23, 2**-24 / (1 - exact)).mean()  # to first order, away from 0
    if bound < NEGLIGIBLE and exact.min() > np.finfo(np.float32).tiny:
        return float(bound)
    # A float32 result is within a little more than one rounding of the exact one.
    slack = 0.4 * np.spacing(np.nextafter(exact.astype(np.float32), np.float32(0))).astype(np.float64)
    low, high = ((exact + sign * slack).astype(np.float32).astype(np.float64) for sign in (-1, 1))
    low[exact < np.finfo(np.float32).tiny] = 0
    smallest = binary_cross_entropy(np.where(y == 1, high, low), y)
    largest = binary_cross_entropy(np.where(y == 1, low, high), y)
    return largest - smallest


def backward(x: NDArray[Any], y: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[Any]:
    """Apply the chain rule: d loss/d p, times d p/d logit = p·(1 - p), times d logit/d (w, b) = (x, 1)."""
    slope = y_pred * (1 - y_pred)
    d_logit = (y_pred - y) / np.maximum(slope, GRADIENT_CLAMP) * slope / len(y)
    return np.append(d_logit @ x.astype(y_pred.dtype), d_logit.sum())


def backward_with_logits(x: NDArray[Any], y: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[Any]:
    """Apply the chain rule: d loss/d logit is p - y."""
    d_logit = (y_pred - y) / len(y)
    return np.append(d_logit @ x.astype(y_pred.dtype), d_logit.sum())


def adam(state: State, gradient: NDArray[Any]) -> None:
    """Update the parameters by Kingma & Ba (2015), Algorithm 1."""
    state.n_steps += 1
    state.first_moment += (1 - BETA1) * (gradient - state.first_moment)
    state.second_moment += (1 - BETA2) * (gradient**2 - state.second_moment)
    first = state.first_moment / (1 - BETA1**state.n_steps)
    second = state.second_moment / (1 - BETA2**state.n_steps)
    state.parameters -= state.learning_rate * first / (np.sqrt(second) + EPSILON)
