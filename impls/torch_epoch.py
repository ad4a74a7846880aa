"""One call per epoch: torch.compile of PyTorch's scan over a step with an own Adam, parameters packed.

The operator is a prototype, imported by a private name (`torch._higher_order_ops.scan`): if a version of
PyTorch lacks it, this implementation is unavailable and says so.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's own documentation calls it
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, EpochResult

try:
    from torch._higher_order_ops.scan import scan

    MISSING_SCAN = ""
except ImportError as error:
    MISSING_SCAN = str(error)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from impls.contract import Batches, Device, Parameters, Problem

Carry: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""One vector of parameters (n_features + 1,), the bias last; Adam's moments, likewise; n_steps ()."""

TrainEpoch: TypeAlias = "Callable[..., tuple[Carry, Tensor]]"

FRAMEWORK = "torch"
TIER = "epoch"
USUAL = True
# Not TF32 or bfloat16: Inductor turns x @ w into a sum, in float32 whatever the settings, and fuses it with
# its neighbours; a product that follows the settings would be a cuBLAS call between two kernels.
SUPPORTS = ("loss=bce_with_logits", "feed=host")
PRIVATE_NAMES = ("torch._higher_order_ops.scan", "torch._dynamo.config")

# Inductor of torch 2.11 can't write a C++ wrapper around a loop; a Python one reads back whether to continue.
WRAPS_LOOPS = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)


@dataclass
class State:
    """The compiled epoch, the values it carries from step to step, and the losses of the latest one."""

    train_epoch: TrainEpoch
    carry: Carry
    device: Device
    losses: Tensor


@dataclass
class HostFeed:
    """Stacked batches in host memory, copied to the device as a whole when the loop asks for them."""

    stacks: list[tuple[Tensor, Tensor]]
    device: Device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each stack on the device, without waiting for the copy if its memory is pinned."""
        for x, y in self.stacks:
            yield x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if MISSING_SCAN:
        return f"torch {torch.__version__} has no scan operator ({MISSING_SCAN})"
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    if device == "cuda" and find_spec("triton") is None:
        return "torch.compile needs Triton on CUDA, and finds none; install triton"
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        return f"torch.compile needs a C++ compiler, and found no {compiler}; install one or set CXX"
    if device == "cpu" and not WRAPS_LOOPS:
        return f"torch {torch.__version__} can't wrap a compiled loop in C++; install torch 2.13 or later"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters and optimizer state on the device."""
    vector = torch.from_numpy(np.append(parameters.weight, parameters.bias)).to(device)
    carry = (vector, torch.zeros_like(vector), torch.zeros_like(vector), torch.zeros((), device=device))
    train_epoch = make_train_epoch(problem.learning_rate, problem.loss, device)
    return State(train_epoch, carry, device, torch.empty(0))


def place(problem: Problem, batches: Batches, device: Device) -> Iterable[tuple[Tensor, Tensor]]:
    """Stack batches of one size: the full ones, and the ragged last one, if any, alone.

    Then copy the stacks to the device, or leave that to the loop.
    """
    stacks = []
    for _, group in groupby(batches, key=lambda batch: len(batch[1])):
        x, y = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*group, strict=True))
        stacks.append((x.pin_memory(), y.pin_memory()) if device == "cuda" else (x, y))
    feed = HostFeed(stacks, device)
    return feed if problem.feed == "host" else list(feed)


def run_epoch(state: State, batches: Iterable[tuple[Tensor, Tensor]]) -> State:
    """Train on each batch in order and wait for the device."""
    state.carry, state.losses = state.train_epoch(state.carry, *batches)
    torch.get_device_module(state.device).synchronize()
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    vector = state.carry[0].cpu().numpy().copy()
    return EpochResult(state.losses.cpu().numpy().copy(), vector[:-1], vector[-1])


@cache  # one compilation for all trainings
def make_train_epoch(learning_rate: float, loss: str, device: Device) -> TrainEpoch:
    """Make the compiled epoch: scan the step over the full batches, then over the ragged last one."""
    criterion = F.binary_cross_entropy_with_logits if loss == "bce_with_logits" else loss_on_probabilities

    def train_step(carry: Carry, batch: tuple[Tensor, Tensor]) -> tuple[Carry, Tensor]:
        parameters, first_moment, second_moment, n_steps = carry
        x, y = batch

        def loss_of(parameters: Tensor) -> Tensor:
            return criterion(x @ parameters[:-1] + parameters[-1], y)

        gradient, loss = torch.func.grad_and_value(loss_of)(parameters)
        n_steps = n_steps + 1
        first_moment = first_moment.lerp(gradient, 1 - BETA1)
        second_moment = second_moment.lerp(gradient.square(), 1 - BETA2)
        first = first_moment / one_minus_power(BETA1, n_steps)
        second = second_moment / one_minus_power(BETA2, n_steps)
        parameters = parameters - learning_rate * first / (second.sqrt() + EPSILON)
        return (parameters, first_moment, second_moment, n_steps), loss

    # It is compiled once for every size and learning rate; beyond the default limit (8) it would raise.
    torch._dynamo.config.recompile_limit = 256  # noqa: SLF001 - the documented name

    # Not on CUDA: there Inductor (torch 2.11) fails to write a C++ wrapper around a loop, by an assertion on
    # the number of its inputs (codegen_subgraph_prefix), so that Python launches each step.
    @torch.compile(fullgraph=True, dynamic=False, options={"cpp_wrapper": device == "cpu"})
    def train_epoch(carry: Carry, *stacks: tuple[Tensor, Tensor]) -> tuple[Carry, Tensor]:
        losses = []
        for stack in stacks:
            carry, stack_losses = scan(train_step, carry, stack)
            losses.append(stack_losses)
        parameters, first_moment, second_moment, n_steps = (each.clone() for each in carry)
        return (parameters, first_moment, second_moment, n_steps), torch.cat(losses)

    return train_epoch


def loss_on_probabilities(logit: Tensor, y: Tensor) -> Tensor:
    """Compute the batch's mean loss from y_pred = sigmoid(logit), all of shape (batch_size,)."""
    return F.binary_cross_entropy(torch.sigmoid(logit), y)


def one_minus_power(beta: float, n_steps: Tensor) -> Tensor:
    """Compute 1 - beta**n_steps, shape (): to all digits; a float32 power loses four of seven at 0.999."""
    return -torch.expm1(n_steps * math.log(beta))
