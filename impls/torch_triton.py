"""One Triton kernel per epoch, or two per step for large batches; gradient and Adam by hand; GPUs only."""

# ruff: noqa: PLR0913, PLR0917 - a kernel's arguments are all that it reads and writes

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

try:
    import triton
    import triton.language as tl
except ImportError:  # PyTorch's builds for CPUs come without it
    triton = tl = None

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "torch"
TIER = "kernel"
GRADIENT = "by hand"

TILE = 2048
"""Values that a program holds of a batch at once."""

ALONE = 8
"""One program trains alone, an epoch per kernel, on batches of at most so many tiles. Larger batches need the
whole GPU, and a step two kernels: within one, programs can't wait for each other."""

jit: Callable[..., Any] = triton.jit if triton else (lambda function, **_: function)
constant: Any = tl.constexpr if tl else float

KEPT1, KEPT2 = constant(BETA1), constant(BETA2)
LOG_KEPT1, LOG_KEPT2 = constant(math.log(BETA1)), constant(math.log(BETA2))
TINY, HIGHEST_LOSS, LOWEST_SLOPE = constant(EPSILON), constant(-LOG_CLAMP), constant(GRADIENT_CLAMP)


@dataclass(frozen=True)
class Sizes:
    """An epoch's sizes, and a tile's: powers of two, as Triton asks."""

    n_batches: int
    batch_size: int
    last_batch_size: int
    n_features: int
    width: int  # of a tile: the features, a one for the bias, and zeros
    n_rows: int  # of a tile
    n_tiles: int  # of a batch

    @classmethod
    def of(cls, problem: Problem) -> Sizes:
        """Choose the tile's sizes."""
        n_features, batch_size = problem.n_features, problem.batch_size
        width = triton.next_power_of_2(n_features + 1)
        n_rows = min(max(TILE // width, 1), triton.next_power_of_2(batch_size))
        last, n_tiles = problem.last_batch_size or batch_size, math.ceil(batch_size / n_rows)
        return cls(problem.n_batches, batch_size, last, n_features, width, n_rows, n_tiles)


@dataclass
class State:
    """The tensors that a training updates in place."""

    sizes: Sizes
    learning_rate: float
    parameters: Tensor  # (3, n_features + 1): the parameters, the bias last, and Adam's two moments of them
    n_steps: Tensor  # (1,)
    sums: Tensor  # (n_tiles, n_features + 2): the gradient of each tile, and its losses
    losses: Tensor  # (n_batches,)


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device == "cpu":
        return "Triton kernels run on GPUs; on a CPU only the tests interpret them"
    if triton is None:
        return "Triton is not installed; install triton, or this package's extra: pip install '.[kernel]'"
    return None if torch.cuda.is_available() else f"torch {torch.__version__} finds no CUDA device"


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    sizes, vector = Sizes.of(problem), np.append(parameters.weight, parameters.bias)
    return State(
        sizes,
        problem.learning_rate,
        parameters=torch.tensor(np.stack([vector, 0 * vector, 0 * vector]), device=device),
        n_steps=torch.zeros(1, dtype=torch.int32, device=device),
        sums=torch.zeros(sizes.n_tiles, len(vector) + 1, device=device),
        losses=torch.zeros(problem.n_batches, device=device),
    )


def place(problem: Problem, batches: Batches, device: Device) -> tuple[Tensor, Tensor]:
    """Copy the batches to the device, one after another: x (n_samples, n_features), y (n_samples,)."""
    del problem
    x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return torch.tensor(x, device=device), torch.tensor(y, device=device)


def run_epoch(state: State, batches: tuple[Tensor, Tensor]) -> State:
    """Train on each batch in order and wait for the device."""
    sizes, training = state.sizes, (state.parameters, state.n_steps, state.losses)
    n_batches, size, last, *shape, n_tiles = vars(sizes).values()
    if n_tiles <= ALONE:
        train_epoch[(1,)](*batches, *training, state.learning_rate, n_batches, size, last, *shape)
    else:
        for n in range(n_batches):
            n_rows = size if n + 1 < n_batches else last
            sum_tiles[(n_tiles,)](*batches, state.parameters, state.sums, n * size, n_rows, *shape)
            update[(1,)](state.sums, *training, state.learning_rate, n, n_rows, n_tiles, *shape)
    torch.get_device_module(state.losses.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    vector = state.parameters[0].cpu().numpy().copy()
    return EpochResult(state.losses.cpu().numpy().copy(), vector[:-1], vector[-1])


@jit
def train_epoch(
    x: tl.tensor, y: tl.tensor, parameters: tl.tensor, n_steps: tl.tensor, losses: tl.tensor,
    learning_rate: tl.tensor, n_batches: tl.tensor, batch_size: tl.tensor, last_batch_size: tl.tensor,
    n_features: tl.constexpr, width: tl.constexpr, n_rows: tl.constexpr,
) -> None:  # fmt: skip
    """Train on each batch in order, in one program."""
    vector, first, second = load_training(parameters, n_features, width)
    step = tl.load(n_steps)
    for n in range(n_batches):
        size = batch_size if n + 1 < n_batches else last_batch_size
        gradient, loss = tl.zeros((width,), tl.float32), 0.0
        for start in range(0, size, n_rows):
            at = n * batch_size + start
            more, more_loss = sum_tile(x, y, vector, at, size - start, n_features, width, n_rows)
            gradient, loss = gradient + more, loss + more_loss
        step += 1
        vector, first, second = adam(vector, first, second, gradient / size, step, learning_rate)
        tl.store(losses + n, loss / size)
    store_training(parameters, vector, first, second, n_features, width)
    tl.store(n_steps, step)


@partial(jit, do_not_specialize=["at"])  # else it is compiled several times: for 1, for multiples of 16
def sum_tiles(
    x: tl.tensor, y: tl.tensor, parameters: tl.tensor, sums: tl.tensor, at: tl.tensor, size: tl.tensor,
    n_features: tl.constexpr, width: tl.constexpr, n_rows: tl.constexpr,
) -> None:  # fmt: skip
    """Sum up a batch of `size` rows from the row `at` on, a tile in each program."""
    column, program = tl.arange(0, width), tl.program_id(0)
    vector, start = tl.load(parameters + column, mask=column <= n_features, other=0.0), program * n_rows
    gradient, loss = sum_tile(x, y, vector, at + start, size - start, n_features, width, n_rows)
    row = sums + program * (n_features + 2)
    tl.store(row + column, gradient, mask=column <= n_features)
    tl.store(row + n_features + 1, loss)


@partial(jit, do_not_specialize=["n"])
def update(
    sums: tl.tensor, parameters: tl.tensor, n_steps: tl.tensor, losses: tl.tensor, learning_rate: tl.tensor,
    n: tl.tensor, size: tl.tensor, n_tiles: tl.tensor,
    n_features: tl.constexpr, width: tl.constexpr, n_rows: tl.constexpr,
) -> None:  # fmt: skip
    """Add up the sums of the batch n, many tiles at once, and take a step, in one program."""
    tile, column = tl.arange(0, 4 * n_rows), tl.arange(0, width)
    gradient, loss = tl.zeros((width,), tl.float32), 0.0
    for start in range(0, n_tiles, 4 * n_rows):
        row, is_tile = sums + (start + tile) * (n_features + 2), start + tile < n_tiles
        is_value = is_tile[:, None] & (column <= n_features)[None, :]
        gradient += tl.sum(tl.load(row[:, None] + column[None, :], mask=is_value, other=0.0), axis=0)
        loss += tl.sum(tl.load(row + n_features + 1, mask=is_tile, other=0.0))
    vector, first, second = load_training(parameters, n_features, width)
    step = tl.load(n_steps) + 1
    vector, first, second = adam(vector, first, second, gradient / size, step, learning_rate)
    store_training(parameters, vector, first, second, n_features, width)
    tl.store(n_steps, step)
    tl.store(losses + n, loss / size)


@jit
def sum_tile(
    x: tl.tensor, y: tl.tensor, vector: tl.tensor, at: tl.tensor, size: tl.tensor,
    n_features: tl.constexpr, width: tl.constexpr, n_rows: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:  # fmt: skip
    """Sum up `size` rows from the row `at` on, at most a tile: their gradients (width,) and losses ()."""
    row, column = tl.arange(0, n_rows), tl.arange(0, width)
    is_row, place = row < size, (at + row).to(tl.int64)
    is_value = is_row[:, None] & (column < n_features)[None, :]
    features = tl.load(x + place[:, None] * n_features + column[None, :], mask=is_value, other=0.0)
    features = tl.where((column == n_features)[None, :], 1.0, features)  # the bias is the weight of ones
    label = tl.load(y + place, mask=is_row, other=0.0)
    logit = tl.sum(features * vector[None, :], axis=1)
    e = tl.exp(-tl.abs(logit))  # never overflows
    y_pred = tl.where(logit < 0, e, 1.0) / (1 + e)
    likelihood = tl.where(label > 0, y_pred, 1 - y_pred)
    loss = tl.minimum(-tl.log(likelihood), HIGHEST_LOSS)
    slope = y_pred * (1 - y_pred)
    d_logit = (y_pred - label) * slope / tl.maximum(slope, LOWEST_SLOPE)
    gradient = tl.sum(features * tl.where(is_row, d_logit, 0.0)[:, None], axis=0)
    return gradient, tl.sum(tl.where(is_row, loss, 0.0))


@jit
def adam(
    vector: tl.tensor, first: tl.tensor, second: tl.tensor, gradient: tl.tensor, step: tl.tensor,
    learning_rate: tl.tensor,
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:  # fmt: skip
    """Take a step: Kingma & Ba (2015), Algorithm 1. The powers are float64's: float32's lose four digits."""
    first += (gradient - first) * (1 - KEPT1)
    second += (gradient * gradient - second) * (1 - KEPT2)
    mean = first / (1 - tl.exp(step.to(tl.float64) * LOG_KEPT1)).to(tl.float32)
    square = second / (1 - tl.exp(step.to(tl.float64) * LOG_KEPT2)).to(tl.float32)
    return vector - learning_rate * mean / (tl.sqrt(square) + TINY), first, second


@jit
def load_training(
    parameters: tl.tensor, n_features: tl.constexpr, width: tl.constexpr
) -> tuple[tl.tensor, ...]:
    """Load the parameters and both moments, each (width,), zeros behind the bias."""
    column = tl.arange(0, width)
    row, is_own = parameters + column, column <= n_features
    first = tl.load(row + n_features + 1, mask=is_own, other=0.0)
    second = tl.load(row + 2 * (n_features + 1), mask=is_own, other=0.0)
    return tl.load(row, mask=is_own, other=0.0), first, second


@jit
def store_training(
    parameters: tl.tensor, vector: tl.tensor, first: tl.tensor, second: tl.tensor,
    n_features: tl.constexpr, width: tl.constexpr,
) -> None:  # fmt: skip
    """Store the parameters and both moments, once all threads have loaded what is stored from here on."""
    tl.debug_barrier()
    column = tl.arange(0, width)
    row, is_own = parameters + column, column <= n_features
    tl.store(row, vector, mask=is_own)
    tl.store(row + n_features + 1, first, mask=is_own)
    tl.store(row + 2 * (n_features + 1), second, mask=is_own)
