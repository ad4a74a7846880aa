"""One call per epoch: lax.scan over a step by hand, gradient and Adam, on a CPU all in one kernel.

Losses and gradients of a batch are summed in one pass, by one `lax.reduce` of several operands. The
attributes that ask XLA for one kernel (ONE_KERNEL) are described in XLA's source only. Where XLA ignores
them, the loop is correct but several times slower, and tests/impls/test_jax_scan_fused.py fails.
"""

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

    from impls.contract import Batches, Device, Parameters, Problem

try:
    from jax.experimental.xla_metadata import set_xla_metadata
except ImportError:  # it is experimental
    set_xla_metadata = None  # type: ignore[assignment] # to mypy the name is a function; None says that it is missing

Epoch: TypeAlias = "tuple[Array, ...]"
TrainEpoch: TypeAlias = "Callable[[Array, Epoch], Array]"
Loss: TypeAlias = "Callable[[Array, Array], tuple[Array, Array]]"

FRAMEWORK = "jax"
TIER = "epoch"
GRADIENT = "by hand"
SUPPORTS = ("loss=bce_with_logits", "feed=host", "precision=tf32", "precision=bfloat16")
PRIVATE_NAMES = ("xla_cpu_small_call", "inlineable", "xla_cpu_prefer_vector_width")

NARROW = 4
"""Up to this many features, a CPU takes all sums of a batch in one loop over its samples; beyond, products of
matrices are faster (measured)."""

ONE_KERNEL = {"xla_cpu_small_call": "true", "inlineable": "false"}
"""Attributes of a call that XLA compiles into one kernel on a CPU: else each step of the scan starts several,
of 50 ns each, and sums without vectors. A call that may be inlined is gone before XLA looks for the first
attribute."""

OPTIONS: dict[Device, dict[str, int]] = {"cpu": {"xla_cpu_prefer_vector_width": 512}, "cuda": {}}
"""By default XLA uses half of AVX-512's width; processors without AVX-512 are not affected."""

# Dot algorithms, because the named levels are vague: on a GPU the level "bfloat16" means TF32, and XLA turns
# a product this small into a sum, in float32 at every level; only an algorithm's rounding is kept (XLA's
# source, and measured on an H200).
ALGORITHMS = {"tf32": "TF32_TF32_F32", "bfloat16": "BF16_BF16_F32"}

UNROLL: dict[Device, int] = {"cpu": 1, "cuda": 5}
"""Steps per iteration of the compiled loop. On a GPU the host launches each iteration: 5 steps save a third
of the time, and more steps save no more; on a CPU they cost time (measured)."""

# Handing small computations to another thread costs more than running them (about 10 µs a call on a CPU).
jax.config.update("jax_cpu_enable_async_dispatch", val=False)


class State(NamedTuple):
    """All values that an epoch updates in one vector, because each array costs a call about 1 µs.

    They are the parameters (n_features + 1, the bias last), Adam's two moments of them, 1 - β1^t and 1 - β2^t
    after t steps, and the losses of the latest epoch (n_batches).
    """

    vector: Array
    n_features: int
    train_epoch: TrainEpoch


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    try:
        jax.devices(device)
    except RuntimeError as error:
        return f"jax {jax.__version__} finds no {device.upper()} device ({error})"
    if device == "cpu" and set_xla_metadata is None:
        return f"jax {jax.__version__} has no jax.experimental.xla_metadata.set_xla_metadata; 0.10.2 has it"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device.

    They are committed to it, as the outputs of an epoch are: otherwise the second epoch would compile again.
    """
    if problem.precision in ALGORITHMS:  # for the whole process
        jax.config.update("jax_default_matmul_precision", ALGORITHMS[problem.precision])
    vector = np.zeros(3 * (problem.n_features + 1) + 2 + problem.n_batches, np.float32)
    vector[: problem.n_features + 1] = np.append(parameters.weight, parameters.bias)
    train_epoch = make_train_epoch(problem.learning_rate, problem.loss, problem.n_features, device)
    return State(jax.device_put(vector, jax.devices(device)[0]), problem.n_features, train_epoch)


def place(problem: Problem, batches: Batches, device: Device) -> Any:  # noqa: ANN401 - Epoch, or in NumPy
    """Stack the batches as (n_batches, n_features + 1, batch_size), the labels last; a ragged one by itself.

    Then copy all to the device; under feed="host" the compiled call copies them.
    """
    columns = [np.vstack((x.T, y)) for x, y in batches]
    n_full = sum(each.shape == columns[0].shape for each in columns)
    parts = [part for part in (columns[:n_full], columns[n_full:]) if part]
    epoch = tuple(np.array(part, order="C") for part in parts)
    return epoch if problem.feed == "host" else jax.device_put(epoch, jax.devices(device)[0])


def run_epoch(state: State, batches: Epoch) -> State:
    """Train on each batch in order and wait for the device."""
    vector = state.train_epoch(state.vector, batches)
    vector.block_until_ready()
    return State(vector, state.n_features, state.train_epoch)


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    vector, n_features = np.array(state.vector), state.n_features
    return EpochResult(vector[3 * (n_features + 1) + 2 :], vector[:n_features], vector[n_features])


@cache  # one compilation for all trainings
def make_train_epoch(learning_rate: float, loss: str, n_features: int, device: Device) -> TrainEpoch:
    """Make the compiled epoch: scan the step over the full batches, then over the ragged last one."""
    loss_of = loss_on_logit if loss == "bce_with_logits" else loss_on_probability
    in_one_kernel = device == "cpu" and n_features <= NARROW
    loss_and_gradient = loss_and_gradient_by_sample if in_one_kernel else loss_and_gradient_by_product

    def train_step(trained: Array, batch: Array) -> tuple[Array, Array]:
        loss, gradient = loss_and_gradient(loss_of, trained[: n_features + 1], batch[:-1], batch[-1])
        return adam(trained, gradient, learning_rate), loss

    def train_steps(vector: Array, batches: Epoch) -> Array:
        trained, losses = vector[: 3 * (n_features + 1) + 2], []
        for stack in batches:
            trained, stack_losses = jax.lax.scan(train_step, trained, stack, unroll=UNROLL[device])
            losses.append(stack_losses)
        return jnp.concatenate((trained, *losses))

    @partial(jax.jit, donate_argnames="vector", compiler_options=OPTIONS[device])  # its memory is reused
    def train_epoch(vector: Array, batches: Epoch) -> Array:
        after: Array = jax.jit(train_steps)(vector, batches)
        return set_xla_metadata(after, **ONE_KERNEL) if in_one_kernel else after

    return train_epoch


def adam(trained: Array, gradient: Array, learning_rate: float) -> Array:
    """Update by Kingma & Ba (2015), Algorithm 1.

    1 - β^t is the moving average of a constant gradient of 1: computed this way, it needs no power and loses
    no digits.
    """
    parameters, first, second = trained[:-2].reshape(3, -1)
    betas = np.array((BETA1, BETA2))
    corrections = jnp.float32(betas) * trained[-2:] + jnp.float32(1 - betas)
    first = BETA1 * first + (1 - BETA1) * gradient
    second = BETA2 * second + (1 - BETA2) * gradient**2
    parameters -= learning_rate * (first / corrections[0]) / (jnp.sqrt(second / corrections[1]) + EPSILON)
    return jnp.concatenate((parameters, first, second, corrections))


def loss_and_gradient_by_sample(loss_of: Loss, parameters: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Apply the chain rule to each sample, x (n_features, batch_size), and average all in one pass."""
    *weight, bias = parameters
    losses, d_logit = loss_of(sum((w * each for w, each in zip(weight, x, strict=True)), start=bias), y)
    of_samples = (losses, *(d_logit * each for each in x), d_logit)
    loss, *gradient = jax.lax.reduce(of_samples, (jnp.float32(0),) * len(of_samples), add, (0,))
    return loss / y.size, jnp.stack(gradient) / y.size


def add(left: tuple[Array, ...], right: tuple[Array, ...]) -> tuple[Array, ...]:
    """Add two tuples, number by number."""
    return tuple(a + b for a, b in zip(left, right, strict=True))


def loss_and_gradient_by_product(loss_of: Loss, parameters: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Apply the chain rule to the batch, x (n_features, batch_size): d logit/d (w, b) is (x, 1)."""
    losses, d_logit = loss_of(parameters[:-1] @ x + parameters[-1], y)
    return jnp.mean(losses), jnp.append(x @ d_logit, jnp.sum(d_logit)) / y.size


def loss_on_probability(logit: Array, y: Array) -> tuple[Array, Array]:
    """Compute each sample's loss with the semantics of torch.nn.BCELoss, and its derivative by the logit.

    For labels 0 and 1, y·ln p + (1 - y)·ln(1 - p) is one logarithm.
    """
    y_pred = jax.nn.sigmoid(logit)
    loss = -jnp.maximum(jnp.log(jnp.where(y == 1, y_pred, 1 - y_pred)), LOG_CLAMP)
    slope = y_pred * (1 - y_pred)  # over max(slope, clamp), it is min(slope / clamp, 1)
    return loss, (y_pred - y) * jnp.minimum(slope / GRADIENT_CLAMP, 1)


def loss_on_logit(logit: Array, y: Array) -> tuple[Array, Array]:
    """Compute max(z, 0) - y·z + ln(1 + exp(-|z|)) of each logit z, and its derivative."""
    loss = jnp.maximum(logit, 0) - y * logit + jnp.log1p(jnp.exp(-jnp.abs(logit)))
    return loss, jax.nn.sigmoid(logit) - y
