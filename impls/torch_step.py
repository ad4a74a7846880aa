"""One call per step: torch.compile of forward, loss, backward and an own Adam on packed parameters."""

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
import torch.nn.functional as F  # noqa: N812 - as PyTorch's own documentation calls it
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from impls.contract import Batches, Device, Parameters, Problem

TrainStep: TypeAlias = "Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]"

FRAMEWORK = "torch"
TIER = "step"
USUAL = True
# Not TF32 or bfloat16: Inductor turns x @ w into a sum, in float32 whatever the settings, and fuses it with
# its neighbours; a product that follows the settings would be a cuBLAS call between two kernels.
SUPPORTS = ("loss=bce_with_logits", "feed=host", "readback=step")
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
    keep: Callable[[Tensor], Tensor | float]  # the loss, on its device or on the host
    device: Device
    losses: list[Tensor | float]


@dataclass
class HostFeed:
    """Batches in host memory; each is copied to the device when the loop asks for it, as by a DataLoader."""

    batches: list[tuple[Tensor, Tensor]]
    device: Device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each batch on the device, without waiting for the copy if its memory is pinned."""
        for x, y in self.batches:
            yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
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
        train_step=make_train_step(problem.learning_rate, problem.loss, device),
        parameters=vector,
        moments=torch.zeros(2, len(vector), device=device),
        n_steps=torch.zeros((), device=device),
        keep=Tensor.item if problem.readback == "step" else leave,
        device=device,
        losses=[],
    )


def leave(loss: Tensor) -> Tensor:
    """Leave the loss on its device."""
    return loss


def place(problem: Problem, batches: Batches, device: Device) -> Iterable[tuple[Tensor, Tensor]]:
    """Copy each batch to the device, or leave that to the loop."""
    tensors = [(torch.tensor(x), torch.tensor(y)) for x, y in batches]
    if device == "cuda":
        tensors = [(x.pin_memory(), y.pin_memory()) for x, y in tensors]
    feed = HostFeed(tensors, device)
    return feed if problem.feed == "host" else list(feed)


def run_epoch(state: State, batches: Iterable[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device."""
    state.losses = []
    for x, y in batches:
        loss = state.train_step(state.parameters, state.moments, state.n_steps, x, y)
        state.losses.append(state.keep(loss))
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    vector = state.parameters.cpu().numpy().copy()
    return EpochResult(torch.tensor(state.losses).numpy(), vector[:-1], vector[-1])


@cache  # one compilation for all trainings
def make_train_step(learning_rate: float, loss: str, device: Device) -> TrainStep:
    """Make the compiled step: it updates its first three arguments in place and returns the loss."""
    criterion: Callable[[Tensor, Tensor], Tensor]
    criterion = F.binary_cross_entropy_with_logits if loss == "bce_with_logits" else loss_on_probabilities
    # It is compiled once for every size and learning rate; beyond the default limit (8) it would raise.
    torch._dynamo.config.recompile_limit = 256  # noqa: SLF001 - the documented name

    # A C++ wrapper (cpp_wrapper) gains nothing for a call this small: its guards take the time. On a
    # CPU the mode saves 8 % (torch 2.13 then does not check the alignment of the inputs); on CUDA it would
    # capture graphs, as torch_cudagraph_step does.
    @torch.compile(fullgraph=True, dynamic=False, mode="reduce-overhead" if device == "cpu" else None)
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
