"""One Pallas kernel per epoch, or one per step and the rest in XLA for large batches; GPUs only."""

# ruff: noqa: PLR0913, PLR0917 - a kernel's arguments are all that it reads and writes

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

try:
    from jax.experimental.pallas import triton
except ImportError:  # JAX 0.11 deprecates it
    triton = None  # type: ignore[assignment] # to mypy the name is a module; None says that it is missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from jax import Array

    from impls.contract import Batches, Device, Parameters, Problem

Ref: TypeAlias = Any  # Pallas has no public type for it
Values: TypeAlias = "tuple[Array, Array, Array]"
"""A parameter's or several parameters' values, and Adam's first and second moments of them."""

FRAMEWORK = "jax"
TIER = "kernel"
GRADIENT = "by hand"

TILE = 2048
"""Features that a program loads at once."""

ALONE = 8
"""One program trains alone, an epoch per kernel, on batches of at most so many tiles. Larger batches need the
whole GPU, and the steps of an epoch a kernel each: within one, programs can't wait for each other."""

UNROLL = 5
"""Steps per iteration of the compiled loop over kernels, as in jax_scan."""


class Layout(NamedTuple):
    """An epoch's sizes, with rows and features padded: Triton's arrays have powers of two as sizes."""

    n_batches: int
    batch_size: int
    n_samples: int
    width: int  # of a row
    tile: int  # rows of a tile
    n_tiles: int  # of a batch

    def n_rows(self, n: Array) -> Array:
        """Return the size of the batch n, without the padding."""
        return jnp.minimum(self.batch_size, self.n_samples - n * self.batch_size)


class State(NamedTuple):
    """The parameters and Adam's moments of them, the number of steps, the compiled epoch, its losses."""

    weight: Values  # each (width,)
    bias: Values  # each ()
    n_steps: Array  # (), float32
    train_epoch: Callable[..., tuple[Values, Values, Array, Array]]
    losses: Array
    n_features: int


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device == "cpu":
        return "Pallas kernels run on GPUs; on a CPU only the tests interpret them"
    if triton is None:
        return f"Pallas of jax {jax.__version__} has no Triton backend any more; install jax 0.11"
    try:
        jax.devices(device)
    except RuntimeError as error:
        return f"jax {jax.__version__} finds no {device.upper()} device ({error})"
    return None


def layout_of(problem: Problem) -> Layout:
    """Choose the sizes of tiles and padding."""
    width = power_of_two(problem.n_features)
    tile = min(max(TILE // width, 1), power_of_two(problem.batch_size))
    n_tiles = math.ceil(problem.batch_size / tile)
    return Layout(problem.n_batches, problem.batch_size, problem.samples_per_epoch, width, tile, n_tiles)


def power_of_two(size: int) -> int:
    """Return the smallest power of two that is not below the size."""
    return 1 << (size - 1).bit_length()


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    layout = layout_of(problem)
    padded = np.pad(parameters.weight, (0, layout.width - problem.n_features))
    weights, biases = ((each, np.zeros_like(each), np.zeros_like(each)) for each in (padded, parameters.bias))
    weight, bias, n_steps = jax.device_put((weights, biases, np.float32(0)), jax.devices(device)[0])
    train_epoch = make_train_epoch(layout, problem.learning_rate, device)
    return State(weight, bias, n_steps, train_epoch, jnp.empty(0), problem.n_features)


def place(problem: Problem, batches: Batches, device: Device) -> Any:  # noqa: ANN401 - x and y
    """Copy the batches to the device, padded with zeros: x (n_batches, rows, width), y (n_batches, rows)."""
    layout = layout_of(problem)
    x = np.zeros((layout.n_batches, layout.n_tiles * layout.tile, layout.width), np.float32)
    y = np.zeros(x.shape[:2], np.float32)
    for n, (features, labels) in enumerate(batches):
        x[n, : len(labels), : problem.n_features], y[n, : len(labels)] = features, labels
    return jax.device_put((x, y), jax.devices(device)[0])


def run_epoch(state: State, batches: tuple[Array, Array]) -> State:
    """Train on each batch in order and wait for the device."""
    result = state.train_epoch(*batches, state.weight, state.bias, state.n_steps)
    weight, bias, n_steps, losses = jax.block_until_ready(result)
    return state._replace(weight=weight, bias=bias, n_steps=n_steps, losses=losses)


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    weight = np.array(state.weight[0][: state.n_features])
    return EpochResult(np.array(state.losses), weight, np.array(state.bias[0]))


@cache  # one compilation for all trainings
def make_train_epoch(layout: Layout, learning_rate: float, device: Device) -> Callable[..., Any]:
    """Make the compiled epoch: one kernel, or the scan of a step with a kernel."""
    call = partial(pl.pallas_call, interpret=device == "cpu", compiler_params=triton.CompilerParams())
    f32 = partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
    if layout.n_tiles <= ALONE:
        weight, bias = ((f32(shape),) * 3 for shape in ((layout.width,), ()))
        out_shape = (weight, bias, f32(()), f32((layout.n_batches,)))
        return jax.jit(call(partial(epoch_kernel, layout, learning_rate), out_shape))

    n = layout.n_tiles
    sum_tiles = call(partial(tile_kernel, layout), (f32((n, layout.width)), f32((n,)), f32((n,))), grid=(n,))

    @jax.jit
    def train_epoch(x: Array, y: Array, weight: Values, bias: Values, n_steps: Array) -> Any:  # noqa: ANN401 - as above
        def train_step(carry: tuple[Values, Values, Array], n: Array) -> Any:  # noqa: ANN401 - carry and loss
            weight, bias, n_steps = carry
            sums = (jnp.sum(each, 0) for each in sum_tiles(n, x, y, weight[0], bias[0]))
            d_weight, d_bias, loss = (each / layout.n_rows(n) for each in sums)
            n_steps += 1
            adam_step = partial(adam, n_steps=n_steps, learning_rate=learning_rate)
            return (adam_step(weight, d_weight), adam_step(bias, d_bias), n_steps), loss

        steps = jnp.arange(layout.n_batches)
        carry, losses = lax.scan(train_step, (weight, bias, n_steps), steps, unroll=UNROLL)
        return *carry, losses

    return train_epoch


def tile_kernel(layout: Layout, n: Ref, x: Ref, y: Ref, weight: Ref, bias: Ref, *sums: Ref) -> None:
    """Sum up a tile of the batch n; the program's number is the tile's."""
    i = pl.program_id(0)
    for out, value in zip(sums, sum_tile(layout, n[...], i, x, y, weight[...], bias[...]), strict=True):
        out[i] = value


def epoch_kernel(
    layout: Layout, learning_rate: float, x: Ref, y: Ref, weight: Ref, bias: Ref, n_steps: Ref, *out: Ref
) -> None:
    """Train on each batch in order."""
    *new, losses = out

    def train_step(n: Array, carry: tuple[Values, Values, Array]) -> tuple[Values, Values, Array]:
        weight, bias, n_steps = carry

        def add_tile(i: Array, sums: Values) -> Values:
            tile = sum_tile(layout, n, i, x, y, weight[0], bias[0])
            return tuple(a + b for a, b in zip(sums, tile, strict=True))  # type: ignore[return-value] # three

        zeros = (jnp.zeros(layout.width), jnp.float32(0), jnp.float32(0))
        sums = lax.fori_loop(0, layout.n_tiles, add_tile, zeros)
        d_weight, d_bias, loss = (each / layout.n_rows(n) for each in sums)
        losses[n] = loss
        n_steps += 1
        adam_step = partial(adam, n_steps=n_steps, learning_rate=learning_rate)
        return adam_step(weight, d_weight), adam_step(bias, d_bias), n_steps

    start = jax.tree.map(lambda ref: ref[...], (weight, bias, n_steps))
    end = lax.fori_loop(0, layout.n_batches, train_step, start)
    for ref, value in zip(jax.tree.leaves(new), jax.tree.leaves(end), strict=True):
        ref[...] = value


def sum_tile(layout: Layout, n: Array, i: Array, x: Ref, y: Ref, weight: Array, bias: Array) -> Values:
    """Sum up tile i of the batch n: the gradients by weight (width,) and bias (), and the losses ()."""
    rows = pl.ds(i * layout.tile, layout.tile)
    features, label = x[n, rows, :], y[n, rows]
    y_pred = jax.nn.sigmoid(jnp.sum(features * weight, axis=1) + bias)
    likelihood = jnp.where(label > 0.5, y_pred, 1 - y_pred)  # noqa: PLR2004 - a label is 0 or 1
    loss = -jnp.maximum(jnp.log(likelihood), LOG_CLAMP)
    slope = y_pred * (1 - y_pred)
    d_logit = (y_pred - label) * slope / jnp.maximum(slope, GRADIENT_CLAMP)
    is_row = i * layout.tile + jnp.arange(layout.tile) < layout.n_rows(n)
    loss, d_logit = jnp.where(is_row, loss, 0), jnp.where(is_row, d_logit, 0)
    return jnp.sum(features * d_logit[:, None], axis=0), jnp.sum(d_logit), jnp.sum(loss)


def adam(values: Values, gradient: Array, n_steps: Array, learning_rate: float) -> Values:
    """Take a step: Kingma & Ba (2015), Algorithm 1."""
    parameter, first_moment, second_moment = values
    first_moment += (1 - BETA1) * (gradient - first_moment)
    second_moment += (1 - BETA2) * (gradient * gradient - second_moment)
    first = first_moment / one_minus_power(BETA1, n_steps)
    second = second_moment / one_minus_power(BETA2, n_steps)
    return parameter - learning_rate * first / (jnp.sqrt(second) + EPSILON), first_moment, second_moment


def one_minus_power(beta: float, n_steps: Array) -> Array:
    """Compute 1 - beta**n_steps, shape (): to all digits; a float32 power loses four of seven at 0.999."""
    return -jnp.expm1(n_steps * math.log(beta))
