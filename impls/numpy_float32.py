"""The textbook loop without a framework: NumPy, gradients derived by hand; one operation after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

    Vector = NDArray[Any]  # float32; NumPy's annotations don't say that it stays so with Python numbers

FRAMEWORK = "numpy"
TIER = "eager"
GRADIENT = "by hand"
USUAL = True
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step")


@dataclass
class State:
    """One vector of parameters, the bias last, and Adam's moments of the same shape (n_features + 1,)."""

    criterion: Callable[[Vector, Vector], tuple[np.float32, Vector]]
    learning_rate: float
    parameters: Vector
    first_moment: Vector
    second_moment: Vector
    n_steps: int
    losses: list[np.float32]


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    return None if device == "cpu" else "NumPy runs on the CPU only"


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Start from these parameters."""
    del device
    criterion = loss_on_logits if problem.loss == "bce_with_logits" else loss_on_probabilities
    vector = np.append(parameters.weight, parameters.bias)
    return State(
        criterion, problem.learning_rate, vector, np.zeros_like(vector), np.zeros_like(vector), 0, []
    )


def place(problem: Problem, batches: Batches, device: Device) -> Batches:
    """Leave the batches where they are: the device uses host memory."""
    del problem, device
    return batches


def run_epoch(state: State, batches: Batches) -> State:
    """Train on each batch in order."""
    state.losses = []
    for x, y in batches:
        logit = x @ state.parameters[:-1] + state.parameters[-1]
        loss, d_logit = state.criterion(logit, y)
        gradient = np.append(d_logit @ x, d_logit.sum())
        adam(state, gradient)
        state.losses.append(loss)
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias ()."""
    return EpochResult(np.array(state.losses), state.parameters[:-1].copy(), state.parameters[-1].copy())


def loss_on_probabilities(logit: Vector, y: Vector) -> tuple[np.float32, Vector]:
    """Compute the batch's mean loss from y_pred = sigmoid(logit), and its derivative by each logit."""
    y_pred = sigmoid(logit)
    with np.errstate(divide="ignore"):  # ln 0 is -inf, and clamped
        log_p = np.maximum(np.log(y_pred), LOG_CLAMP)
        log_q = np.maximum(np.log1p(-y_pred), LOG_CLAMP)
    loss = -np.mean(y * log_p + (1 - y) * log_q)
    slope = y_pred * (1 - y_pred)
    d_y_pred = (y_pred - y) / np.maximum(slope, GRADIENT_CLAMP) / len(y)
    return loss, d_y_pred * slope


def loss_on_logits(logit: Vector, y: Vector) -> tuple[np.float32, Vector]:
    """Compute the batch's mean loss from the logits, and its derivative by each."""
    loss = np.mean(np.maximum(logit, 0) - y * logit + np.log1p(np.exp(-np.abs(logit))))
    return loss, (sigmoid(logit) - y) / len(y)


def sigmoid(logit: Vector) -> Vector:
    """Compute 1 / (1 + exp(-logit)), shape (batch_size,)."""
    with np.errstate(over="ignore"):  # 1 / inf is 0, as it should be
        y_pred: Vector = 1 / (1 + np.exp(-logit))
    return y_pred


def adam(state: State, gradient: Vector) -> None:
    """Update the parameters by Kingma & Ba (2015), Algorithm 1."""
    state.n_steps += 1
    state.first_moment += (1 - BETA1) * (gradient - state.first_moment)
    state.second_moment += (1 - BETA2) * (gradient**2 - state.second_moment)
    first = state.first_moment / (1 - BETA1**state.n_steps)
    second = state.second_moment / (1 - BETA2**state.n_steps)
    state.parameters -= state.learning_rate * first / (np.sqrt(second) + EPSILON)
