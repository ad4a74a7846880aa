"""One CUDA graph per epoch: compiled steps with an own Adam, captured once and replayed; CUDA only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's own documentation calls it
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Batches, Device, Parameters, Problem

TrainStep: TypeAlias = "Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]"

FRAMEWORK = "torch"
TIER = "epoch"
# Not TF32 or bfloat16: Inductor turns x @ w into a sum, in float32 whatever the settings, and fuses it with
# its neighbours; a product that follows the settings would be a cuBLAS call between two kernels.
SUPPORTS = ("loss=bce_with_logits", "feed=host")
CUDA_GRAPH = True
PRIVATE_NAMES = ("torch._dynamo.config",)

WARM_UP_EPOCHS = 3  # as in the documentation's example


class CapturedEpoch(NamedTuple):
    """A graph and its addresses: a replay trains on the contents of the stacks."""

    stacks: list[Tensor]  # as `place` makes them; kept, for the graph reads them at their addresses
    losses: Tensor  # (n_batches,)
    graph: torch.cuda.CUDAGraph


class Trainer:
    """The tensors that a training updates, at fixed addresses, and the graphs that refer to them.

    All trainings with the same settings share it, one after another or alternately: an epoch is captured once
    for each data set, and once for all copied batches of the same sizes.
    """

    def __init__(self, n_features: int, learning_rate: float, loss: str, device: Device) -> None:
        """Make the step, and memory for a training's values."""
        self.train_step = make_train_step(learning_rate, loss)
        self.values = [
            torch.zeros(n_features + 1, device=device),  # parameters, the bias last
            torch.zeros(2, n_features + 1, device=device),  # Adam's moments
            torch.zeros((), device=device),  # n_steps
        ]
        self.on_data_sets: dict[tuple[tuple[int, torch.Size], ...], CapturedEpoch] = {}  # by their addresses
        self.on_copies: dict[tuple[torch.Size, ...], CapturedEpoch] = {}
        self.state: State | None = None  # the training whose values are loaded

    def take(self, state: State) -> None:
        """Load the training's values, unless they are loaded; save the previous training's."""
        if self.state is not state:
            if self.state is not None:
                overwrite(self.state.values, self.values)
            overwrite(self.values, state.values)
            self.state = state

    def epoch_on(self, data_set: list[Tensor]) -> CapturedEpoch:
        """Return the epoch on exactly these stacks; capture it when they are new."""
        place = tuple((stack.data_ptr(), stack.shape) for stack in data_set)
        if place not in self.on_data_sets:
            self.on_data_sets[place] = self.capture_epoch([*data_set])
        return self.on_data_sets[place]

    def epoch_on_copy(self, batches: list[Tensor]) -> CapturedEpoch:
        """Copy the stacks to permanent ones and return the epoch on those; capture it for new sizes."""
        sizes = tuple(stack.shape for stack in batches)
        if sizes not in self.on_copies:
            static = [torch.zeros(size, device=self.values[0].device) for size in sizes]
            self.on_copies[sizes] = self.capture_epoch(static)
        overwrite(self.on_copies[sizes].stacks, batches)
        return self.on_copies[sizes]

    def capture_epoch(self, stacks: list[Tensor]) -> CapturedEpoch:
        """Capture an epoch on the stacks."""
        before = [value.clone() for value in self.values]
        graph, losses = capture(lambda: self.train_epoch(stacks))
        overwrite(self.values, before)  # the warm-up has trained
        return CapturedEpoch(stacks, losses, graph)

    def train_epoch(self, stacks: list[Tensor]) -> Tensor:
        """Train on each batch in order and return the losses (n_batches,)."""
        parameters, moments, n_steps = self.values
        losses: list[Tensor] = []
        for xs, ys in zip(stacks[::2], stacks[1::2], strict=True):
            losses += [
                self.train_step(parameters, moments, n_steps, x, y) for x, y in zip(xs, ys, strict=True)
            ]
        return torch.stack(losses)


make_trainer = cache(Trainer)


@dataclass
class State:
    """One training: its values while another one is loaded, and its latest epoch's losses."""

    trainer: Trainer
    values: list[Tensor]  # as Trainer.values
    losses: Tensor
    epoch_on: Callable[[list[Tensor]], CapturedEpoch]  # on a data set in place, or on a copy of the batches


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device == "cpu":
        return "CUDA graphs run on CUDA devices only"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return (
        None if find_spec("triton") else "torch.compile needs Triton on CUDA, and finds none; install triton"
    )


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    trainer = make_trainer(problem.n_features, problem.learning_rate, problem.loss, device)
    values = [torch.zeros_like(value) for value in trainer.values]
    values[0].copy_(torch.from_numpy(np.append(parameters.weight, parameters.bias)))
    is_there = problem.data == "dataset" and problem.feed == "device"  # all the time, at the same addresses
    return State(trainer, values, torch.empty(0), trainer.epoch_on if is_there else trainer.epoch_on_copy)


def place(problem: Problem, batches: Batches, device: Device) -> list[Tensor]:
    """Stack batches of one size: x and y of the full ones, then of the ragged last one, if any.

    Copy them to the device, or to pinned host memory, which the device can read.
    """
    groups = groupby(batches, key=lambda batch: len(batch[1]))
    arrays = [np.stack(arrays) for _, group in groups for arrays in zip(*group, strict=True)]
    stacks = [torch.from_numpy(array).pin_memory() for array in arrays]
    return stacks if problem.feed == "host" else [stack.to(device) for stack in stacks]


def run_epoch(state: State, batches: list[Tensor]) -> State:
    """Train on each batch in order and wait for the device."""
    state.trainer.take(state)
    epoch = state.epoch_on(batches)
    epoch.graph.replay()
    state.losses = epoch.losses.clone()  # the next replay overwrites them
    torch.cuda.synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    state.trainer.take(state)
    vector = state.trainer.values[0].cpu().numpy().copy()
    return EpochResult(state.losses.cpu().numpy().copy(), vector[:-1], vector[-1])


@cache  # one compilation for all trainings
def make_train_step(learning_rate: float, loss: str) -> TrainStep:
    """Make the compiled step: it updates its first three arguments in place and returns the loss."""
    criterion: Callable[[Tensor, Tensor], Tensor]
    criterion = F.binary_cross_entropy_with_logits if loss == "bce_with_logits" else loss_on_probabilities
    # It is compiled once for every size and learning rate; beyond the default limit (8) it would raise.
    torch._dynamo.config.recompile_limit = 256  # noqa: SLF001 - the documented name

    @torch.compile(fullgraph=True, dynamic=False)
    def train_step(parameters: Tensor, moments: Tensor, n_steps: Tensor, x: Tensor, y: Tensor) -> Tensor:
        def loss_of(parameters: Tensor) -> Tensor:
            return criterion(x @ parameters[:-1] + parameters[-1], y)

        gradient: Tensor
        loss: Tensor
        gradient, loss = torch.func.grad_and_value(loss_of)(parameters)
        n_steps += 1
        first_moment, second_moment = moments
        first_moment.lerp_(gradient, 1 - BETA1)
        second_moment.lerp_(gradient.square(), 1 - BETA2)
        first = first_moment / one_minus_power(BETA1, n_steps)
        second = second_moment / one_minus_power(BETA2, n_steps)
        parameters -= learning_rate * first / (second.sqrt() + EPSILON)
        return loss

    return train_step


def loss_on_probabilities(logit: Tensor, y: Tensor) -> Tensor:
    """Compute the batch's mean loss from y_pred = sigmoid(logit), all of shape (batch_size,)."""
    return F.binary_cross_entropy(torch.sigmoid(logit), y)


def one_minus_power(beta: float, n_steps: Tensor) -> Tensor:
    """Compute 1 - beta**n_steps, shape (): to all digits; a float32 power loses four of seven at 0.999."""
    return -torch.expm1(n_steps * math.log(beta))


def overwrite(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Copy each source to its target's address; copies from the host are asynchronous."""
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source, non_blocking=True)


def capture(work: Callable[[], Tensor]) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """Run the work a few times on a side stream, as the documentation asks, then record it unrun.

    Raises:
        RuntimeError: it was run, not recorded.

    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call] # PyTorch's own
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP_EPOCHS):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        capturing = torch.cuda.is_current_stream_capturing()
        result = work()
    if not capturing:
        message = "expected the stream to record a CUDA graph, found that it ran the epoch"
        raise RuntimeError(message)
    return graph, result
