"""One call per epoch: the optax step under lax.scan, compiled as a whole."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

Epoch: TypeAlias = "tuple[tuple[Array, Array], list[tuple[Array, Array]]]"
TrainEpoch: TypeAlias = "Callable[..., tuple[Perceptron, optax.OptState, Array]]"

FRAMEWORK = "jax"
TIER = "epoch"
GRADIENT = "framework, own loss rule"
USUAL = True
SUPPORTS = ("loss=bce_with_logits", "feed=host", "precision=tf32", "precision=bfloat16")

# Dot algorithms, because the named levels are vague: on a GPU the level "bfloat16" means TF32, and XLA turns
# a product this small into a sum, in float32 at every level; only an algorithm's rounding is kept (XLA's
# source, and measured on an H200).
ALGORITHMS = {"tf32": "TF32_TF32_F32", "bfloat16": "BF16_BF16_F32"}

UNROLL: dict[Device, int] = {"cpu": 1, "cuda": 5}
"""Steps per iteration of the compiled loop. On a GPU the host launches each iteration: 5 steps save a third
of the time, and more steps save no more; on a CPU nothing is saved (measured)."""

# Handing small computations to another thread costs more than running them (about 10 µs a call on a CPU).
jax.config.update("jax_cpu_enable_async_dispatch", val=False)


class Perceptron(NamedTuple):
    """The parameters of y_pred = sigmoid(x·w + b): weight (n_features,), bias ()."""

    weight: Array | NDArray[np.float32]
    bias: Array | NDArray[np.float32]


Carry: TypeAlias = tuple[Perceptron, optax.OptState]


class State(NamedTuple):
    """The parameters, the optimizer's state, the compiled epoch and the losses of the latest one."""

    model: Perceptron
    optimizer_state: optax.OptState
    train_epoch: TrainEpoch
    losses: Array


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
    train_epoch = make_train_epoch(problem.learning_rate, problem.loss, device)
    return State(model, optimizer_state, train_epoch, jnp.empty(0))


def place(problem: Problem, batches: Batches, device: Device) -> Any:  # noqa: ANN401 - Epoch, or in NumPy
    """Stack the batches as large as the first and keep the ragged last one, if any, beside them.

    Then copy all to the device; under feed="host" the compiled call copies them.
    """
    full = [batch for batch in batches if len(batch[1]) == len(batches[0][1])]
    stacked = tuple(np.stack(arrays) for arrays in zip(*full, strict=True))
    epoch = (stacked, list(batches[len(full) :]))
    return epoch if problem.feed == "host" else jax.device_put(epoch, jax.devices(device)[0])


def run_epoch(state: State, batches: Epoch) -> State:
    """Train on each batch in order and wait for the device."""
    model, optimizer_state, train_epoch, _ = state
    model, optimizer_state, losses = train_epoch(model, optimizer_state, batches)
    state = State(model, optimizer_state, train_epoch, losses)
    jax.block_until_ready((model, optimizer_state, losses))
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    return EpochResult(np.array(state.losses), np.array(state.model.weight), np.array(state.model.bias))


@cache  # one compilation for all trainings
def make_train_epoch(learning_rate: float, loss: str, device: Device) -> TrainEpoch:
    """Make the compiled epoch: scan the step over the full batches, then take the ragged last one."""
    loss_of = loss_on_logits if loss == "bce_with_logits" else loss_on_probabilities

    def train_step(carry: Carry, batch: tuple[Array, Array]) -> tuple[Carry, Array]:
        model, optimizer_state = carry
        loss, gradients = jax.value_and_grad(loss_of)(model, *batch)
        updates, optimizer_state = adam(learning_rate).update(gradients, optimizer_state)
        return (optax.apply_updates(model, updates), optimizer_state), loss

    @partial(jax.jit, donate_argnames=("model", "optimizer_state"))  # their memory is reused
    def train_epoch(
        model: Perceptron, optimizer_state: optax.OptState, batches: Epoch
    ) -> tuple[Perceptron, optax.OptState, Array]:
        full, ragged = batches
        carry, losses = jax.lax.scan(train_step, (model, optimizer_state), full, unroll=UNROLL[device])
        for batch in ragged:
            carry, loss = train_step(carry, batch)
            losses = jnp.append(losses, loss)
        return *carry, losses

    return train_epoch


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
