"""One call per step on each of several processes: torch_step with one all-reduce of gradient and loss."""

from __future__ import annotations

import math
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - as PyTorch's own documentation calls it
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impls.contract import Batch, Batches, Device, Parameters, Problem, Ranks

TrainStep: TypeAlias = "Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]"

FRAMEWORK = "torch"
TIER = "step"
SPANS_RANKS = True
PRIVATE_NAMES = ("torch._dynamo.config",)


@dataclass
class State:
    """The compiled step, the tensors that it updates in place, and the losses of the latest epoch.

    Few tensors, rather than weight, bias and their moments: every argument costs the call about 1 µs.
    """

    train_step: TrainStep
    parameters: Tensor  # (n_features + 1,), the bias last
    moments: Tensor  # (2, n_features + 1): Adam's
    n_steps: Tensor  # ()
    device: Device
    losses: list[Tensor]


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
    if device == "cuda" and find_spec("triton") is None:
        return "torch.compile needs Triton on CUDA, and finds none; install triton"
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if device == "cpu" and shutil.which(compiler) is None:
        return f"torch.compile needs a C++ compiler, and found no {compiler}; install one or set CXX"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    vector = torch.from_numpy(np.append(parameters.weight, parameters.bias)).to(device)
    return State(
        train_step=make_train_step(problem.learning_rate, device),
        parameters=vector,
        moments=torch.zeros(2, len(vector), device=device),
        n_steps=torch.zeros((), device=device),
        device=device,
        losses=[],
    )


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
    """Train on each batch in order and wait for the device."""
    state.losses = [
        state.train_step(state.parameters, state.moments, state.n_steps, x, y) for x, y in batches
    ]
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    vector = state.parameters.cpu().numpy().copy()
    return EpochResult(torch.tensor(state.losses).numpy(), vector[:-1], vector[-1])


@cache  # one compilation for all trainings
def make_train_step(learning_rate: float, device: Device) -> TrainStep:
    """Make the compiled step: it updates its first three arguments in place and returns the batch's loss."""
    # It is compiled once for every size and learning rate; beyond the default limit (8) it would raise.
    torch._dynamo.config.recompile_limit = 256  # noqa: SLF001 - the documented name

    @torch.compile(fullgraph=True, dynamic=False, mode="reduce-overhead" if device == "cpu" else None)
    def train_step(parameters: Tensor, moments: Tensor, n_steps: Tensor, x: Tensor, y: Tensor) -> Tensor:
        def loss_of(parameters: Tensor) -> Tensor:
            return F.binary_cross_entropy(torch.sigmoid(x @ parameters[:-1] + parameters[-1]), y)

        gradient: Tensor
        loss: Tensor
        gradient, loss = torch.func.grad_and_value(loss_of)(parameters)  # of this rank's rows
        message = torch.cat([gradient, loss.reshape(1)]) / dist.get_world_size()
        dist.all_reduce(message)
        gradient, loss = message[:-1], message[-1].clone()
        n_steps += 1
        first_moment, second_moment = moments
        first_moment.lerp_(gradient, 1 - BETA1)
        second_moment.lerp_(gradient.square(), 1 - BETA2)
        first = first_moment / one_minus_power(BETA1, n_steps)
        second = second_moment / one_minus_power(BETA2, n_steps)
        parameters -= learning_rate * first / (second.sqrt() + EPSILON)
        return loss

    return train_step


def one_minus_power(beta: float, n_steps: Tensor) -> Tensor:
    """Compute 1 - beta**n_steps, shape (): to all digits; a float32 power loses four of seven at 0.999."""
    return -torch.expm1(n_steps * math.log(beta))
