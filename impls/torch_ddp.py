"""The textbook loop over several processes: torch_eager under DistributedDataParallel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from impls.contract import Batch, Batches, Device, Parameters, Problem, Ranks

FRAMEWORK = "torch"
TIER = "eager"
SPANS_RANKS = True


class Perceptron(nn.Module):
    """y_pred = sigmoid(x·w + b)."""

    def __init__(self, n_features: int) -> None:
        """Make a linear layer with one output."""
        super().__init__()
        self.linear = nn.Linear(n_features, 1)
        self.activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n_rows, n_features) to predictions (n_rows,)."""
        y_pred: Tensor = self.activation(self.linear(x)).squeeze(1)
        return y_pred


@dataclass
class State:
    """The model, itself and under DDP, its loss and optimizer, and the losses of the latest epoch."""

    perceptron: Perceptron
    model: DistributedDataParallel
    criterion: nn.Module
    optimizer: torch.optim.Adam
    device: Device
    losses: Tensor


def join(ranks: Ranks) -> None:
    """Make the process group: gloo for tensors on the CPU, NCCL for those on a GPU."""
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store = dist.TCPStore(  # type: ignore[attr-defined] # documented, but missing in PyTorch's types
        ranks.address, ranks.port, ranks.n_ranks, is_master=ranks.rank == 0
    )
    dist.init_process_group(backend, store=store, rank=ranks.rank, world_size=ranks.n_ranks)


def leave() -> None:
    """Take the process group apart once all ranks are here."""
    largest([0.0])
    dist.destroy_process_group()


def largest(values: Sequence[float]) -> list[float]:
    """Return the largest of each value over the ranks, exchanged by gloo: no kernel is launched for it."""
    tensor = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
    found: list[float] = tensor.tolist()
    return found


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if not dist.is_available():
        return f"torch {torch.__version__} was built without torch.distributed"
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Build model and optimizer on the device from these parameters."""
    perceptron = Perceptron(problem.n_features)
    with torch.no_grad():
        perceptron.linear.weight.copy_(torch.from_numpy(parameters.weight))
        perceptron.linear.bias.copy_(torch.from_numpy(parameters.bias))
    model = DistributedDataParallel(perceptron.to(device))
    optimizer = torch.optim.Adam(
        model.parameters(), lr=problem.learning_rate, betas=(BETA1, BETA2), eps=EPSILON
    )
    return State(perceptron, model, nn.BCELoss(), optimizer, device, torch.empty(0))


def place(problem: Problem, batches: Batches, device: Device) -> list[tuple[Tensor, Tensor]]:
    """Copy this rank's rows of each batch to the device."""
    del problem
    own = map(own_rows, batches)
    return [(torch.tensor(x, device=device), torch.tensor(y, device=device)) for x, y in own]


def own_rows(batch: Batch) -> Batch:
    """Return this rank's rows of a batch."""
    x, y = batch
    rank, n_ranks = dist.get_rank(), dist.get_world_size()
    rows = slice(len(y) * rank // n_ranks, len(y) * (rank + 1) // n_ranks)
    return x[rows], y[rows]


def run_epoch(state: State, batches: list[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device; DDP averages the gradients over the ranks."""
    losses = []
    for x, y in batches:
        state.optimizer.zero_grad()
        y_pred = state.model(x)
        loss = state.criterion(y_pred, y)
        loss.backward()
        state.optimizer.step()
        losses.append(loss.detach())
    state.losses = torch.stack(losses) / dist.get_world_size()
    dist.all_reduce(state.losses)
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    linear = state.perceptron.linear
    return EpochResult(
        state.losses.cpu().numpy().copy(),
        linear.weight.detach().squeeze(0).cpu().numpy().copy(),
        linear.bias.detach().squeeze(0).cpu().numpy().copy(),
    )
