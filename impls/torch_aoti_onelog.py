"""One call for up to 20 steps, as in torch_aoti, and an own rule for the loss alone, with one logarithm.

PyTorch derives the gradient, through this rule. The programs are compiled, called and kept as there.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as PyTorch's own documentation calls it
from torch import Tensor

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

try:
    from torch._C._aoti import AOTIModelPackageLoader
    from torch.fx.experimental.proxy_tensor import make_fx

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impls.contract import Batches, Device, Parameters, Problem

Program: TypeAlias = "Callable[[list[Tensor]], object]"  # of vector, losses, *stacks; updates the first two
Criterion: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"

FRAMEWORK = "torch"
TIER = "epoch"
GRADIENT = "framework, own loss rule"
SUPPORTS = ("loss=bce_with_logits", "feed=host")
PRIVATE_NAMES = (
    "torch._C._aoti.AOTIModelPackageLoader",
    "torch._inductor.aoti_compile_and_package",
    "aot_inductor.allow_stack_allocation",
    "cpp.enable_floating_point_contract_flag",
)

CHUNK = 20
"""Steps in a call: an additional call costs a microsecond, an additional step about a second of compiling."""

NARROW = 4
"""Up to so many features, each has a product and a sum of its own: all of a step's sums become one loop."""

OPTIONS = {
    "aot_inductor.allow_stack_allocation": True,
    "cpp.enable_floating_point_contract_flag": "fast",  # fused multiply-add, as XLA does by default
}


@dataclass
class State:
    """What each call gets in addition to its batches."""

    loss: str
    vector: Tensor  # (3 * (n_features + 1) + 2,): parameters, the bias last; moments; n_steps; learning rate
    losses: tuple[Tensor, ...]  # of the latest epoch, for each call
    programs: list[Program] = field(default_factory=list)  # for each call, from the first epoch on


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device != "cpu":
        return "its programs are compiled for the CPU"
    known = Path(torch.__file__).with_name("_inductor").joinpath("config.py").read_text(encoding="utf-8")
    if lacking := MISSING or ", ".join(each for each in OPTIONS if each.rpartition(".")[2] not in known):
        return f"AOTInductor of torch {torch.__version__} lacks a part ({lacking}); install torch 2.13"
    if shutil.which(compiler()) is None:
        return f"AOTInductor needs a C++ compiler, and found no {compiler()}; install one or set CXX"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put parameters, optimizer state and learning rate in one vector."""
    del device
    vector = torch.zeros(3 * (problem.n_features + 1) + 2)
    vector[: problem.n_features + 1] = torch.from_numpy(np.append(parameters.weight, parameters.bias))
    vector[-1] = problem.learning_rate
    return State(problem.loss, vector, torch.split(torch.zeros(problem.n_batches), CHUNK))


def place(problem: Problem, batches: Batches, device: Device) -> list[list[Tensor]]:
    """Stack each call's batches, those of one size together. Host memory is the device's."""
    del problem, device
    chunks = [batches[i : i + CHUNK] for i in range(0, len(batches), CHUNK)]
    groups = [groupby(chunk, key=lambda batch: len(batch[1])) for chunk in chunks]
    return [[stacked(list(same_size)) for _, same_size in group] for group in groups]


def run_epoch(state: State, batches: Sequence[Sequence[Tensor]]) -> State:
    """Train on each batch in order."""
    if not state.programs:
        state.programs = [program(state.loss, *(stack.shape for stack in stacks)) for stacks in batches]
    for run, losses, stacks in zip(state.programs, state.losses, batches, strict=True):
        run([state.vector, losses, *stacks])
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias ()."""
    parameters = state.vector[: (len(state.vector) - 2) // 3].numpy().copy()
    return EpochResult(torch.cat(state.losses).numpy(), parameters[:-1], parameters[-1])


def stacked(batches: Batches) -> Tensor:
    """Stack batches of one size, features first, the labels last: (n_steps, n_features + 1, batch_size)."""
    stack = torch.from_numpy(np.array([np.vstack([x.T, y]) for x, y in batches], order="C"))
    if not stack.is_contiguous():
        message = f"expected a row's values next to each other in memory, found strides of {stack.stride()}"
        raise ValueError(message)
    return stack


def train_steps(loss: str, vector: Tensor, losses: Tensor, *stacks: Tensor) -> None:
    """Train on each batch in order; update the vector and write the losses in place.

    Results would be where the next call puts its own: with stack allocation, all calls share their memory.
    """
    criterion = F.binary_cross_entropy_with_logits if loss == "bce_with_logits" else loss_on_probabilities
    n = stacks[0].shape[1]
    parameters, first, second, n_steps, learning_rate = torch.split(vector, [n, n, n, 1, 1])
    counts = n_steps + torch.arange(1, len(losses) + 1)
    rates = learning_rate / one_minus_power(BETA1, counts)
    corrections = 1 / one_minus_power(BETA2, counts)
    batch_losses = []
    for batch, rate, correction in zip(chain(*stacks), rates, corrections, strict=True):
        batch_loss, gradient = loss_and_gradient(criterion, parameters, batch)
        first = BETA1 * first + (1 - BETA1) * gradient
        second = BETA2 * second + (1 - BETA2) * gradient * gradient
        parameters = parameters - rate * first / (torch.sqrt(second * correction) + EPSILON)
        batch_losses.append(batch_loss)
    vector.copy_(torch.cat([parameters, first, second, n_steps + len(losses), learning_rate]))
    losses.copy_(torch.stack(batch_losses))


def loss_and_gradient(criterion: Criterion, parameters: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Return the batch's mean loss () and its gradient (n_features + 1,), as PyTorch derives it."""
    *features, y = parts(batch)

    def loss_of(weights_and_bias: Sequence[Tensor]) -> Tensor:
        *weights, logit = weights_and_bias
        for weight, feature in zip(weights, features, strict=True):
            logit = logit + (weight @ feature if weight.dim() else weight * feature)
        return criterion(logit, y)

    gradients, loss = torch.func.grad_and_value(loss_of)(parts(parameters))
    return loss, torch.hstack(gradients)


def parts(rows: Tensor) -> tuple[Tensor, ...]:
    """Divide (n_features + 1, ...) into features and last row; if narrow, each feature is a part."""
    return rows.unbind() if len(rows) <= NARROW + 1 else (rows[:-1], rows[-1])


def one_minus_power(beta: float, n_steps: Tensor) -> Tensor:
    """Compute 1 - beta**n_steps to all digits; a float32 power loses four of seven at 0.999."""
    return -torch.expm1(n_steps * math.log(beta))


class BinaryCrossEntropy(torch.autograd.Function):
    """Each sample's loss with the semantics of torch.nn.BCELoss, for labels 0 and 1: one logarithm."""

    @staticmethod
    def forward(y_pred: Tensor, y: Tensor) -> Tensor:
        """Compute -y·ln p - (1 - y)·ln(1 - p)."""
        return -torch.clamp_min(torch.log(torch.where(y == 1, y_pred, 1 - y_pred)), LOG_CLAMP)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: ANN401, ARG004 - as PyTorch calls it; its type of ctx lacks what is saved
        """Keep both arguments."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - its type lacks what is saved
        """Divide as PyTorch's binary_cross_entropy_backward does."""
        y_pred, y = ctx.saved_tensors
        return d_loss * (y_pred - y) / torch.clamp_min(y_pred * (1 - y_pred), GRADIENT_CLAMP), None


def loss_on_probabilities(logit: Tensor, y: Tensor) -> Tensor:
    """Compute the batch's mean loss from y_pred = sigmoid(logit), all of shape (batch_size,)."""
    return BinaryCrossEntropy.apply(torch.sigmoid(logit), y).mean()  # type: ignore[no-any-return, no-untyped-call] # PyTorch's own


@cache  # loaded once for all trainings
def program(loss: str, *shapes: torch.Size) -> Program:
    """Load the program for stacks of these shapes, or compile it."""
    decisive = repr((torch.__version__, torch.get_num_threads(), native(), loss, shapes))  # for its code
    key = hashlib.sha256(Path(__file__).read_bytes() + decisive.encode()).hexdigest()[:32]
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    package = Path(cache_home, "perceptron-bench", f"{key}.pt2")
    with suppress(OSError, BadZipFile, RuntimeError):
        return load(package)
    compile_steps(package, loss, shapes)
    return load(package)


def load(package: Path) -> Program:
    """Load a compiled program; raise BadZipFile or RuntimeError if it is damaged or another one."""
    with ZipFile(package) as archive:
        if archive.testzip():  # PyTorch compares no checksums
            raise BadZipFile
    loader = AOTIModelPackageLoader(str(package), "model", True, 1, -1)  # noqa: FBT003 - it has no names
    if loader.get_metadata().get("key") != package.stem:
        raise RuntimeError(f"expected the program compiled as {package}, found another")  # noqa: EM102, TRY003 - shown once at most
    return loader.run


def compile_steps(package: Path, loss: str, shapes: Sequence[torch.Size]) -> None:
    """Compile the steps into a package; another process sees the whole file or none."""
    n_steps = sum(shape[0] for shape in shapes)
    examples = (torch.zeros(3 * shapes[0][1] + 2), torch.zeros(n_steps), *map(torch.zeros, shapes))
    traced = make_fx(partial(train_steps, loss))(*examples)  # torch.export can't trace torch.func
    exported = torch.export.export(traced, examples)
    options = OPTIONS | {"aot_inductor.metadata": {"key": package.stem}}
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package.parent) as scratch:
        made = Path(scratch, package.name)
        torch._inductor.aoti_compile_and_package(exported, package_path=str(made), inductor_configs=options)  # noqa: SLF001 - documented
        made.replace(package)


@cache
def native() -> str:
    """Return the compiler's version, and the instructions of this processor that it may use."""
    command = [compiler(), "-march=native", "-E", "-v", "-x", "c++", os.devnull]
    return subprocess.run(command, cwd=os.sep, capture_output=True, text=True, check=False).stderr  # noqa: S603 - the compiler


def compiler() -> str:
    """Return the C++ compiler that Inductor runs."""
    return os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
