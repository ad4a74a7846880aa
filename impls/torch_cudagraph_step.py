"""One CUDA graph per step: the textbook's eager step, captured once and replayed; CUDA only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "torch"
TIER = "step"
# Not TF32: cuBLAS has no such product of a matrix and a vector; with TF32 allowed, all products remained
# float32, from 32 x 2 to 100000 x 4096 (measured on an H200). Not bfloat16: torch.autocast also rounds the
# logits and refuses BCELoss; torch.mm of bfloat16 operands with a float32 result has no derivative.
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step")
CUDA_GRAPH = True

WARM_UP_STEPS = 3  # as in the documentation's example


class CapturedStep(NamedTuple):
    """A graph and its addresses: a replay trains on the contents of x and y."""

    x: Tensor  # (batch_size, n_features)
    y: Tensor  # (batch_size,)
    loss: Tensor  # ()
    graph: torch.cuda.CUDAGraph


class Trainer:
    """Model and optimizer at fixed addresses, and the graphs that refer to them.

    All trainings with the same settings share it, one after another or alternately, and its captured steps.
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
        self.captured: dict[int, CapturedStep] = {}  # by batch size
        self.state: State | None = None  # the training whose values are loaded

    def take(self, state: State) -> None:
        """Load the training's values, unless they are loaded; save the previous training's."""
        if self.state is not state:
            if self.state is not None:
                overwrite(self.state.values, self.values)
            overwrite(self.values, state.values)
            self.state = state

    def step_for(self, x: Tensor) -> CapturedStep:
        """Return the step for batches like x; capture it at the first one."""
        if len(x) not in self.captured:
            device = self.values[0].device  # x may be in host memory
            static_x, static_y = torch.zeros(x.shape, device=device), torch.zeros(len(x), device=device)
            before = [value.clone() for value in self.values]
            graph, loss = capture(lambda: self.train_step(static_x, static_y))
            overwrite(self.values, before)  # the warm-up has trained
            self.captured[len(x)] = CapturedStep(static_x, static_y, loss, graph)
        return self.captured[len(x)]

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
    keep: Callable[[Tensor], Tensor | float]  # the loss, on its device or on the host
    losses: list[Tensor | float]


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
    keep = Tensor.item if problem.readback == "step" else Tensor.clone  # the next replay overwrites it
    return State(trainer, values, keep, [])


def place(problem: Problem, batches: Batches, device: Device) -> list[tuple[Tensor, Tensor]]:
    """Copy each batch to the device, or to pinned host memory, which the device can read."""
    tensors = [(torch.tensor(x).pin_memory(), torch.tensor(y).pin_memory()) for x, y in batches]
    return tensors if problem.feed == "host" else [(x.to(device), y.to(device)) for x, y in tensors]


def run_epoch(state: State, batches: list[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device."""
    state.trainer.take(state)
    state.losses = []
    for x, y in batches:
        step = state.trainer.step_for(x)
        step.x.copy_(x, non_blocking=True)
        step.y.copy_(y, non_blocking=True)
        step.graph.replay()
        state.losses.append(state.keep(step.loss))
    torch.cuda.synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    state.trainer.take(state)
    weight, bias, *_ = (value.cpu().numpy().copy() for value in state.trainer.values)
    return EpochResult(torch.tensor(state.losses).numpy(), weight.reshape(-1), bias.reshape(()))


def overwrite(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Copy each source to its target's address."""
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


def capture(work: Callable[[], Tensor]) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """Run the work a few times on a side stream, as the documentation asks, then record it unrun.

    Raises:
        RuntimeError: it was run, not recorded.

    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call] # PyTorch's own
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP_STEPS):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        capturing = torch.cuda.is_current_stream_capturing()
        result = work()
    if not capturing:
        message = "expected the stream to record a CUDA graph, found that it ran the step"
        raise RuntimeError(message)
    return graph, result
