"""The textbook loop: nn.Linear, BCELoss, Adam; one eager operation after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "torch"
TIER = "eager"
USUAL = True
# Not TF32: cuBLAS has no such product of a matrix and a vector; with TF32 allowed, all products remained
# float32, from 32 x 2 to 100000 x 4096 (measured on an H200). Not bfloat16: torch.autocast also rounds the
# logits and refuses BCELoss; torch.mm of bfloat16 operands with a float32 result has no derivative.
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step")


class Perceptron(nn.Module):
    """y_pred = sigmoid(x·w + b); or x·w + b alone, for a loss on logits."""

    def __init__(self, n_features: int, activation: nn.Module) -> None:
        """Make a linear layer with one output."""
        super().__init__()
        self.linear = nn.Linear(n_features, 1)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map x (batch_size, n_features) to predictions (batch_size,)."""
        y_pred: Tensor = self.activation(self.linear(x)).squeeze(1)
        return y_pred


@dataclass
class State:
    """The model, its loss and optimizer, and the losses of the latest epoch."""

    model: Perceptron
    criterion: nn.Module
    optimizer: torch.optim.Adam
    keep: Callable[[Tensor], Tensor | float]  # the loss, on its device or on the host
    device: Device
    losses: list[Tensor | float]


@dataclass
class HostFeed:
    """Batches in host memory; each is copied to the device when the loop asks for it, as by a DataLoader."""

    batches: list[tuple[Tensor, Tensor]]
    device: Device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each batch on the device."""
        for x, y in self.batches:
            yield x.to(self.device), y.to(self.device)


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Build model and optimizer on the device from these parameters."""
    on_logits = problem.loss == "bce_with_logits"
    model = Perceptron(problem.n_features, nn.Identity() if on_logits else nn.Sigmoid())
    with torch.no_grad():
        model.linear.weight.copy_(torch.from_numpy(parameters.weight))
        model.linear.bias.copy_(torch.from_numpy(parameters.bias))
    model.to(device)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=problem.learning_rate, betas=(BETA1, BETA2), eps=EPSILON
    )
    criterion = nn.BCEWithLogitsLoss() if on_logits else nn.BCELoss()
    keep = Tensor.item if problem.readback == "step" else Tensor.detach
    return State(model, criterion, optimizer, keep, device, [])


def place(problem: Problem, batches: Batches, device: Device) -> Iterable[tuple[Tensor, Tensor]]:
    """Copy each batch to the device, or leave that to the loop."""
    feed = HostFeed([(torch.tensor(x), torch.tensor(y)) for x, y in batches], device)
    return feed if problem.feed == "host" else list(feed)


def run_epoch(state: State, batches: Iterable[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device."""
    state.losses = []
    for x, y in batches:
        state.optimizer.zero_grad()
        y_pred = state.model(x)
        loss = state.criterion(y_pred, y)
        loss.backward()
        state.optimizer.step()
        state.losses.append(state.keep(loss))
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    linear = state.model.linear
    return EpochResult(
        torch.stack([torch.as_tensor(loss) for loss in state.losses]).cpu().numpy(),
        linear.weight.detach().squeeze(0).cpu().numpy().copy(),
        linear.bias.detach().squeeze(0).cpu().numpy().copy(),
    )
