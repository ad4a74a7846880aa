"""One call per epoch: lax.scan over a step written by hand, gradient, one logarithm and Adam, all packed."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array
    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

Epoch: TypeAlias = "tuple[tuple[Array, Array], list[tuple[Array, Array]]]"
TrainEpoch: TypeAlias = "Callable[[Packed, Epoch], tuple[Packed, Array]]"

FRAMEWORK = "jax"
TIER = "epoch"
GRADIENT = "by hand"
SUPPORTS = ("loss=bce_with_logits", "feed=host", "precision=tf32", "precision=bfloat16")

NARROW = 4
"""Up to this many features, xᵀ·d is faster than d·x on a CPU; beyond, it is five times slower (measured)."""

# Dot algorithms, because the named levels are vague: on a GPU the level "bfloat16" means TF32, and XLA turns
# a product this small into a sum, in float32 at every level; only an algorithm's rounding is kept (XLA's
# source, and measured on an H200).
ALGORITHMS = {"tf32": "TF32_TF32_F32", "bfloat16": "BF16_BF16_F32"}

UNROLL: dict[Device, int] = {"cpu": 1, "cuda": 5}
"""Steps per iteration of the compiled loop. On a GPU the host launches each iteration: 5 steps save a third
of the time, and more steps save no more; on a CPU nothing is saved (measured)."""

# Handing small computations to another thread costs more than running them (about 10 µs a call on a CPU).
jax.config.update("jax_cpu_enable_async_dispatch", val=False)


class Packed(NamedTuple):
    """The values that a step updates, in few arrays: each additional array costs every step a little."""

    vectors: Array | NDArray[np.float32]  # (3, n_features + 1): parameters, the bias last, and Adam's moments
    corrections: Array | NDArray[np.float32]  # (2,): 1 - β1^t and 1 - β2^t after t steps


class State(NamedTuple):
    """The trained values, the compiled epoch and the losses of the latest one."""

    packed: Packed
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

    They are committed to it, as the outputs of an epoch are: otherwise the second epoch would compile again.
    """
    if problem.precision in ALGORITHMS:  # for the whole process
        jax.config.update("jax_default_matmul_precision", ALGORITHMS[problem.precision])
    vectors = np.zeros((3, problem.n_features + 1), np.float32)
    vectors[0] = np.append(parameters.weight, parameters.bias)
    packed = jax.device_put(Packed(vectors, np.zeros(2, np.float32)), jax.devices(device)[0])
    return State(packed, make_train_epoch(problem.learning_rate, problem.loss, device), jnp.empty(0))


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
    packed, train_epoch, _ = state
    packed, losses = train_epoch(packed, batches)
    state = State(packed, train_epoch, losses)
    jax.block_until_ready((packed, losses))
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    parameters = np.array(state.packed.vectors)[0]
    return EpochResult(np.array(state.losses), parameters[:-1], parameters[-1])


@cache  # one compilation for all trainings
def make_train_epoch(learning_rate: float, loss: str, device: Device) -> TrainEpoch:
    """Make the compiled epoch: scan the step over the full batches, then take the ragged last one."""
    loss_of = loss_on_logits if loss == "bce_with_logits" else loss_on_probabilities

    def train_step(packed: Packed, batch: tuple[Array, Array]) -> tuple[Packed, Array]:
        x, y = batch
        weight, bias = packed.vectors[0, :-1], packed.vectors[0, -1]
        loss, d_logit = loss_of(x @ weight + bias, y)
        return adam(packed, backward(d_logit, x), learning_rate), loss

    @partial(jax.jit, donate_argnames="packed")  # its memory is reused
    def train_epoch(packed: Packed, batches: Epoch) -> tuple[Packed, Array]:
        full, ragged = batches
        packed, losses = jax.lax.scan(train_step, packed, full, unroll=UNROLL[device])
        for batch in ragged:
            packed, loss = train_step(packed, batch)
            losses = jnp.append(losses, loss)
        return packed, losses

    return train_epoch


def adam(packed: Packed, gradient: Array, learning_rate: float) -> Packed:
    """Update by Kingma & Ba (2015), Algorithm 1.

    1 - β^t is the moving average of a constant gradient of 1: computed this way, it needs no power and loses
    no digits.
    """
    parameters, first, second = packed.vectors
    betas = np.array((BETA1, BETA2))
    corrections = jnp.float32(betas) * packed.corrections + jnp.float32(1 - betas)
    first = BETA1 * first + (1 - BETA1) * gradient
    second = BETA2 * second + (1 - BETA2) * gradient**2
    parameters -= learning_rate * (first / corrections[0]) / (jnp.sqrt(second / corrections[1]) + EPSILON)
    return Packed(jnp.stack((parameters, first, second)), corrections)


def loss_on_probabilities(logit: Array, y: Array) -> tuple[Array, Array]:
    """Compute the batch's mean loss with the semantics of torch.nn.BCELoss, and its derivative by each logit.

    For labels 0 and 1, y·ln p + (1 - y)·ln(1 - p) is one logarithm.
    """
    y_pred = jax.nn.sigmoid(logit)
    likelihood = jnp.where(y == 1, y_pred, 1 - y_pred)
    loss = -jnp.mean(jnp.maximum(jnp.log(likelihood), LOG_CLAMP))
    slope = y_pred * (1 - y_pred)
    return loss, (y_pred - y) / jnp.maximum(slope, GRADIENT_CLAMP) * slope / y.size


def loss_on_logits(logit: Array, y: Array) -> tuple[Array, Array]:
    """Compute the mean of max(z, 0) - y·z + ln(1 + exp(-|z|)) over logits z, and its derivative by each."""
    loss = jnp.mean(jnp.maximum(logit, 0) - y * logit + jnp.log1p(jnp.exp(-jnp.abs(logit))))
    return loss, (jax.nn.sigmoid(logit) - y) / y.size


def backward(d_logit: Array, x: Array) -> Array:
    """Apply the chain rule: d logit/d (w, b) is (x, 1). Shape (n_features + 1,)."""
    d_weight = x.T @ d_logit if x.shape[1] <= NARROW else d_logit @ x
    return jnp.append(d_weight, jnp.sum(d_logit))
