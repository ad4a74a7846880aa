"""One CUDA graph per epoch: the textbook's eager steps, captured once and replayed; CUDA only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "torch"
TIER = "epoch"
# Not TF32: cuBLAS has no such product of a matrix and a vector; with TF32 allowed, all products remained
# float32, from 32 x 2 to 100000 x 4096 (measured on an H200). Not bfloat16: torch.autocast also rounds the
# logits and refuses BCELoss; torch.mm of bfloat16 operands with a float32 result has no derivative.
SUPPORTS = ("loss=bce_with_logits", "feed=host")
CUDA_GRAPH = True

WARM_UP_EPOCHS = 3  # as in the documentation's example


class CapturedEpoch(NamedTuple):
    """A graph and its addresses: a replay trains on the contents of the stacks."""

    stacks: list[Tensor]  # as `place` makes them; kept, for the graph reads them at their addresses
    losses: Tensor  # (n_batches,)
    graph: torch.cuda.CUDAGraph


class Trainer:
    """Model and optimizer at fixed addresses, and the graphs that refer to them.

    All trainings with the same settings share it, one after another or alternately: an epoch is captured once
    for each data set, and once for all copied batches of the same sizes.
    """

    def __init__(self, n_features: int, learning_rate: float, loss: str, device: Device) -> None:
        """Build model and optimizer; each training loads its parameters."""
        linear, squeeze = nn.Linear(n_features, 1, device=device), nn.Flatten(0)
        on_logits = loss == "bce_with_logits"
        self.model = nn.Sequential(linear, *(() if on_logits else (nn.Sigmoid(),)), squeeze)
        self.criterion = nn.BCEWithLogitsLoss() if on_logits else nn.BCELoss()
        parameters = self.model.parameters()
        self.optimizer = torch.optim.Adam(
            parameters, lr=learning_rate, betas=(BETA1, BETA2), eps=EPSILON, fused=True, capturable=True
        )
        self.train_step(torch.zeros(1, n_features, device=device), torch.zeros(1, device=device))
        # All that a step changes; the moments exist since the optimizer's first step.
        moments = [tensor for of_one in self.optimizer.state.values() for tensor in of_one.values()]
        self.values = [linear.weight.detach(), linear.bias.detach(), *moments]
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
        losses: list[Tensor] = []
        for xs, ys in zip(stacks[::2], stacks[1::2], strict=True):
            losses += [self.train_step(x, y) for x, y in zip(xs, ys, strict=True)]
        return torch.stack(losses)

    def train_step(self, x: Tensor, y: Tensor) -> Tensor:
        """Train on one batch and return its loss ()."""
        self.optimizer.zero_grad(set_to_none=True)
        y_pred = self.model(x)
        loss: Tensor = self.criterion(y_pred, y)
        loss.backward()  # type: ignore[no-untyped-call] # PyTorch's own
        self.optimizer.step()
        return loss.detach()


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
    return None if torch.cuda.is_available() else f"torch {torch.__version__} finds no CUDA device"


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    trainer = make_trainer(problem.n_features, problem.learning_rate, problem.loss, device)
    values = [torch.zeros_like(value) for value in trainer.values]
    values[0].copy_(torch.from_numpy(parameters.weight))
    values[1].copy_(torch.from_numpy(parameters.bias))
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
    weight, bias, *_ = (value.cpu().numpy().copy() for value in state.trainer.values)
    return EpochResult(state.losses.cpu().numpy().copy(), weight.reshape(-1), bias.reshape(()))


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
