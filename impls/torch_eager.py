"""The textbook loop: nn.Linear, BCELoss, Adam; one eager operation after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from impls.contract import BETA1, BETA2, EPSILON, Trained

if TYPE_CHECKING:
    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "torch"
TIER = "eager"


class Perceptron(nn.Module):
    """y_pred = sigmoid(x·w + b)."""

    def __init__(self, n_features: int) -> None:
        """Make a linear layer with one output."""
        super().__init__()
        self.linear = nn.Linear(n_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (batch_size, n_features) to probabilities (batch_size,)."""
        return torch.sigmoid(self.linear(x)).squeeze(1)


@dataclass
class State:
    """The model, its loss and optimizer, and the losses of the latest epoch."""

    model: Perceptron
    criterion: nn.BCELoss
    optimizer: torch.optim.Adam
    device: Device
    losses: list[Tensor] = field(default_factory=list)


def unavailable(device: Device) -> str | None:
    """Say why it can't run on the device, or None."""
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Build model and optimizer on the device from these parameters."""
    model = Perceptron(problem.n_features)
    with torch.no_grad():
        model.linear.weight.copy_(torch.from_numpy(parameters.weight))
        model.linear.bias.copy_(torch.from_numpy(parameters.bias))
    model.to(device)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=problem.learning_rate, betas=(BETA1, BETA2), eps=EPSILON
    )
    return State(model, nn.BCELoss(), optimizer, device)


def place(batches: Batches, device: Device) -> list[tuple[Tensor, Tensor]]:
    """Copy each batch to the device."""
    return [(torch.tensor(x, device=device), torch.tensor(y, device=device)) for x, y in batches]


def run_epoch(state: State, batches: list[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device."""
    state.losses = []
    for x, y in batches:
        state.optimizer.zero_grad()
        y_pred = state.model(x)
        loss = state.criterion(y_pred, y)
        loss.backward()
        state.optimizer.step()
        state.losses.append(loss.detach())
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> Trained:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    linear = state.model.linear
    return Trained(
        torch.stack(state.losses).cpu().numpy(),
        linear.weight.detach().squeeze(0).cpu().numpy().copy(),
        linear.bias.detach().squeeze(0).cpu().numpy().copy(),
    )
