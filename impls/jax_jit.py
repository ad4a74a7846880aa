"""One jitted call per step: value_and_grad and optax's Adam, compiled together."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

Batch: TypeAlias = "tuple[Array, Array] | tuple[NDArray[np.float32], NDArray[np.float32]]"
TrainStep: TypeAlias = "Callable[..., tuple[Perceptron, optax.OptState, Array]]"

FRAMEWORK = "jax"
TIER = "step"
GRADIENT = "framework, own loss rule"
USUAL = True
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step", "precision=tf32", "precision=bfloat16")

# Dot algorithms, because the named levels are vague: on a GPU the level "bfloat16" means TF32, and XLA turns
# a product this small into a sum, in float32 at every level; only an algorithm's rounding is kept (XLA's
# source, and measured on an H200).
ALGORITHMS = {"tf32": "TF32_TF32_F32", "bfloat16": "BF16_BF16_F32"}

# Handing small computations to another thread costs more than running them (about 10 µs a call on a CPU).
jax.config.update("jax_cpu_enable_async_dispatch", val=False)


class Perceptron(NamedTuple):
    """The parameters of y_pred = sigmoid(x·w + b): weight (n_features,), bias ()."""

    weight: Array | NDArray[np.float32]
    bias: Array | NDArray[np.float32]


class State(NamedTuple):
    """The parameters, the optimizer's state, the compiled step and the losses of the latest epoch."""

    model: Perceptron
    optimizer_state: optax.OptState
    train_step: TrainStep
    keep: Callable[[Array], Array | float]  # the loss, on its device or on the host
    losses: list[Array | float]


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    try:
        jax.devices(device)
    except RuntimeError as error:
        return f"jax {jax.__version__} finds no {device.upper()} device ({error})"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device.

    Both are committed to it, as the outputs of a step are: otherwise the second step would compile again.
    """
    if problem.precision in ALGORITHMS:  # for the whole process
        jax.config.update("jax_default_matmul_precision", ALGORITHMS[problem.precision])
    model = Perceptron(parameters.weight, parameters.bias)
    optimizer_state = adam(problem.learning_rate).init(model)
    model, optimizer_state = jax.device_put((model, optimizer_state), jax.devices(device)[0])
    keep = float if problem.readback == "step" else _as_it_is
    return State(model, optimizer_state, make_train_step(problem.learning_rate, problem.loss), keep, [])


def place(problem: Problem, batches: Batches, device: Device) -> Sequence[Batch]:
    """Copy each batch to the device; under feed="host" the compiled call copies it."""
    if problem.feed == "host":
        return batches
    return [jax.device_put(batch, jax.devices(device)[0]) for batch in batches]


def run_epoch(state: State, batches: Sequence[Batch]) -> State:
    """Train on each batch in order and wait for the device."""
    model, optimizer_state, train_step, keep, _ = state
    losses = []
    for x, y in batches:
        model, optimizer_state, loss = train_step(model, optimizer_state, x, y)
        losses.append(keep(loss))
    jax.block_until_ready((model, optimizer_state, losses))
    return State(model, optimizer_state, train_step, keep, losses)


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    losses = np.array(jax.device_get(state.losses), np.float32)
    return EpochResult(losses, np.array(state.model.weight), np.array(state.model.bias))


@cache  # one compilation for all trainings
def make_train_step(learning_rate: float, loss: str) -> TrainStep:
    """Make the compiled step on x (batch_size, n_features), y (batch_size,): forward to update."""
    loss_of = loss_on_logits if loss == "bce_with_logits" else loss_on_probabilities

    @partial(jax.jit, donate_argnames=("model", "optimizer_state"))  # their memory is reused
    def train_step(
        model: Perceptron, optimizer_state: optax.OptState, x: Array, y: Array
    ) -> tuple[Perceptron, optax.OptState, Array]:
        loss, gradients = jax.value_and_grad(loss_of)(model, x, y)
        updates, optimizer_state = adam(learning_rate).update(gradients, optimizer_state)
        return optax.apply_updates(model, updates), optimizer_state, loss

    return train_step


def _as_it_is(loss: Array) -> Array:
    return loss


def adam(learning_rate: float) -> optax.GradientTransformation:
    """Make the optimizer."""
    return optax.adam(learning_rate, b1=BETA1, b2=BETA2, eps=EPSILON)


def loss_on_probabilities(model: Perceptron, x: Array, y: Array) -> Array:
    """Compute the batch's mean loss from y_pred = sigmoid(x·w + b)."""
    y_pred = jax.nn.sigmoid(x @ model.weight + model.bias)
    return binary_cross_entropy(y_pred, y)


def loss_on_logits(model: Perceptron, x: Array, y: Array) -> Array:
    """Compute the batch's mean loss from the logits x·w + b."""
    return jnp.mean(optax.sigmoid_binary_cross_entropy(x @ model.weight + model.bias, y))


@jax.custom_vjp
def binary_cross_entropy(y_pred: Array, y: Array) -> Array:
    """Compute the mean cross-entropy with the semantics of torch.nn.BCELoss.

    Its gradient is written by hand below: JAX's own, of `maximum(log(p), -100)`, is NaN at p = 0 or 1.
    """
    log_p = jnp.maximum(jnp.log(y_pred), LOG_CLAMP)
    log_q = jnp.maximum(jnp.log1p(-y_pred), LOG_CLAMP)
    return -jnp.mean(y * log_p + (1 - y) * log_q)


def _forward(y_pred: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
    return binary_cross_entropy(y_pred, y), (y_pred, y)


def _backward(residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, None]:
    y_pred, y = residuals
    slope = jnp.maximum(y_pred * (1 - y_pred), GRADIENT_CLAMP)
    return cotangent * (y_pred - y) / slope / y.size, None


binary_cross_entropy.defvjp(_forward, _backward)
