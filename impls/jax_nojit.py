"""The textbook loop, jit forgotten: value_and_grad and optax's Adam; one eager operation after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jax import Array
    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

Batch: TypeAlias = "tuple[Array, Array]"

FRAMEWORK = "jax"
TIER = "eager"
GRADIENT = "framework, own loss rule"
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
    """The parameters, their loss and optimizer, and the losses of the latest epoch."""

    model: Perceptron
    criterion: Callable[[Perceptron, Array, Array], Array]
    optimizer: optax.GradientTransformation
    optimizer_state: optax.OptState
    keep: Callable[[Array], Array | float]  # the loss, on its device or on the host
    losses: list[Array | float]


@dataclass
class HostFeed:
    """Batches in host memory; each is copied to the device when the loop asks for it."""

    batches: Batches
    device: Device

    def __iter__(self) -> Iterator[Batch]:
        """Yield each batch on the device."""
        for batch in self.batches:
            yield jax.device_put(batch, jax.devices(self.device)[0])


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    try:
        jax.devices(device)
    except RuntimeError as error:
        return f"jax {jax.__version__} finds no {device.upper()} device ({error})"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device, committed to it as a step's results are."""
    if problem.precision in ALGORITHMS:  # for the whole process
        jax.config.update("jax_default_matmul_precision", ALGORITHMS[problem.precision])
    optimizer = optax.adam(problem.learning_rate, b1=BETA1, b2=BETA2, eps=EPSILON)
    model = Perceptron(parameters.weight, parameters.bias)
    model, optimizer_state = jax.device_put((model, optimizer.init(model)), jax.devices(device)[0])
    criterion = loss_on_logits if problem.loss == "bce_with_logits" else loss_on_probabilities
    keep = float if problem.readback == "step" else _as_it_is
    return State(model, criterion, optimizer, optimizer_state, keep, [])


def place(problem: Problem, batches: Batches, device: Device) -> Iterable[Batch]:
    """Copy each batch to the device, or leave that to the loop."""
    feed = HostFeed(batches, device)
    return feed if problem.feed == "host" else list(feed)


def run_epoch(state: State, batches: Iterable[Batch]) -> State:
    """Train on each batch in order and wait for the device."""
    model, criterion, optimizer, optimizer_state, keep, _ = state
    losses = []
    for x, y in batches:
        loss, gradients = jax.value_and_grad(criterion)(model, x, y)
        updates, optimizer_state = optimizer.update(gradients, optimizer_state)
        model = optax.apply_updates(model, updates)
        losses.append(keep(loss))
    jax.block_until_ready((model, optimizer_state, losses))
    return State(model, criterion, optimizer, optimizer_state, keep, losses)


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    losses = np.array(jax.device_get(state.losses), np.float32)
    return EpochResult(losses, np.array(state.model.weight), np.array(state.model.bias))


def _as_it_is(loss: Array) -> Array:
    return loss


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
