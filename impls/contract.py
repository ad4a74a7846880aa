"""The contract between the harness and an implementation.

An implementation is a module with the names of `Implementation`: no base class, no registry. This file
needs NumPy only, so that no implementation pulls in another one's framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

CONTRACT_VERSION = 2
"""Increased when a change of the contract requires edits to implementations. A contract without it is 1."""

Device: TypeAlias = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants: those of Kingma & Ba (2015), Algorithm 1, and the defaults of torch and optax."""

LOG_CLAMP = -100.0
"""The floor of each logarithm in the loss, as `torch.nn.BCELoss` documents it."""

GRADIENT_CLAMP = 1e-12
"""The floor of p·(1 - p) in the loss's gradient, as in PyTorch's binary_cross_entropy_backward."""


LARGEST = 1e6
"""The largest learning rate, feature scale or loss: far beyond use, and far from overflowing float32."""

MOST = 10**18
"""The largest size: beyond every memory, but within 64 bits."""

Precision: TypeAlias = Literal["float32", "tf32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")

VARIANTS: dict[str, tuple[str, ...]] = {
    "loss": ("bce", "bce_with_logits"),
    "feed": ("device", "host"),
    "readback": ("epoch", "step"),
    "precision": PRECISIONS,
}
"""Fields of a problem that require another loop: the default, which every implementation runs, and others,
which it runs if its SUPPORTS lists them."""

CHOICES = {"data": ("dataset", "stream"), **VARIANTS}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A training to run: the model's and the data's sizes, the optimizer's rate and when to stop.

    The defaults are the book's problem. An epoch is `n_batches` steps. Under `data="dataset"` every epoch
    passes over the same batches; under `data="stream"` each epoch draws fresh ones.

    The training ends after `n_epochs`. With `target_loss` it ends earlier, after the first epoch (but not
    before `min_epochs`) whose mean loss is at most the target and differs by at most `max_loss_change`
    from the epoch before.

    The loss is the mean binary cross-entropy: under `loss="bce"` computed from the probabilities, as
    torch.nn.BCELoss does, under "bce_with_logits" from the logits, as torch.nn.BCEWithLogitsLoss does.
    Under `feed="device"` the batches are on the device before the epoch begins; under "host" they are in
    host memory, and copying them is part of the epoch. Under `readback="epoch"` the losses stay on the
    device until the epoch has ended; under "step" the host reads each loss before the next step, as for
    logging.

    Under `precision="tf32"` or "bfloat16" the operands of the two matrix products, x·w and xᵀ·d (d being the
    derivative of the mean loss by each logit), are rounded to TF32 (10 bits behind the point) or bfloat16
    (7 bits), to nearest or toward zero, and their products are summed in float32. All else stays float32:
    batches, parameters, optimizer, loss. This excludes scaled features (the tolerances were found without
    them) and a stopping rule (it may hold an epoch sooner or later).

    Raises:
        ValueError: a field is out of its range; the message names the field, its range and its value.

    """

    n_features: int = 2
    batch_size: int = 1000
    n_batches: int = 5
    last_batch_size: int | None = None  # the ragged tail; None: as large as the others
    n_epochs: int = 12
    data: Literal["dataset", "stream"] = "dataset"
    learning_rate: float = 0.01
    target_loss: float | None = None
    max_loss_change: float = 1e-3
    min_epochs: int = 2
    feature_scale: float = 1.0  # 100 saturates the sigmoid
    seed: int = 0
    loss: Literal["bce", "bce_with_logits"] = "bce"
    feed: Literal["device", "host"] = "device"
    readback: Literal["epoch", "step"] = "epoch"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse values that no training could run with."""
        for name in ("n_features", "batch_size", "n_batches", "n_epochs", "min_epochs"):
            holds = 1 <= getattr(self, name) <= MOST
            self._require(name, holds, f"at least 1 and at most {MOST:g}")
        self._require(
            "last_batch_size",
            self.last_batch_size is None or 1 <= self.last_batch_size <= self.batch_size,
            f"from 1 to batch_size ({self.batch_size})",
        )
        for name, values in CHOICES.items():
            self._require(name, getattr(self, name) in values, " or ".join(map(repr, values)))
        positive = f"positive and at most {LARGEST:g}"
        for name in ("learning_rate", "feature_scale"):
            self._require(name, 0 < getattr(self, name) <= LARGEST, positive)
        self._require("target_loss", self.target_loss is None or 0 < self.target_loss <= LARGEST, positive)
        holds = 0 <= self.max_loss_change <= LARGEST
        self._require("max_loss_change", holds, f"zero or more, and at most {LARGEST:g}")
        self._require("seed", 0 <= self.seed < 2**63, "zero or more, and below 2**63")
        plain = self.feature_scale == 1 and self.target_loss is None
        expected = "'float32' where features are scaled or a target_loss ends the training"
        self._require("precision", plain or self.precision == "float32", expected)

    def _require(self, name: str, holds: bool, expected: str) -> None:  # noqa: FBT001 - private
        if not holds:
            message = f"Problem.{name}: expected {expected}, found {getattr(self, name)!r}"
            raise ValueError(message)

    @property
    def samples_per_epoch(self) -> int:
        """The number of rows of `x` in one epoch."""
        return (self.n_batches - 1) * self.batch_size + (self.last_batch_size or self.batch_size)


@dataclass(frozen=True)
class Parameters:
    """The perceptron's parameters before the first step, float32."""

    weight: NDArray[np.float32]  # (n_features,)
    bias: NDArray[np.float32]  # ()


Batch: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.float32]]"
"""Features x (batch_size, n_features) and labels y (batch_size,), each label 0 or 1; float32."""

Batches: TypeAlias = "Sequence[Batch]"
"""The batches of one epoch, in the order in which they are to be used."""


@dataclass(frozen=True)
class EpochResult:
    """The result of one epoch, in NumPy arrays on the host."""

    losses: NDArray[Any]  # (n_batches,): the loss of each step of the latest epoch, before its update
    weight: NDArray[Any]  # (n_features,): after the latest step
    bias: NDArray[Any]  # ()


State: TypeAlias = Any
"""Private to the implementation: whatever `run_epoch` needs and `export` reads."""

Placed: TypeAlias = Any
"""Private to the implementation: an epoch's batches where and how `run_epoch` needs them."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One of the processes that train a model together, each on its rows of every batch.

    Of a batch of n rows, rank r of w has the rows from n·r // w up to, not including, n·(r + 1) // w.
    """

    rank: int = 0  # of this process, from 0
    n_ranks: int = 1
    local_rank: int = 0  # its number on its host; the rank keeps to its own cores, and sees its own GPU only
    address: str = "localhost"  # of the first rank's host
    port: int = 0  # free there, for the framework's own use; 0: any that is free, with one rank


class Implementation(Protocol):
    """One way of writing and running the loop. The first line of the module's docstring describes it.

    The harness calls `place` and `prepare`, then `run_epoch` and `export` once per epoch. The time of an
    epoch is that of `run_epoch`; a first call is `place`, `prepare` and the first epoch. The state is passed
    from call to call and may be updated in place.

    A module that runs other VARIANTS than the defaults lists them:
    `SUPPORTS = ("feed=host", "readback=step")`.
    A module that supports another precision sets it in `prepare`, for the whole process: a process sees
    problems of one precision only. The precision of its products is measured.
    A module that replays a captured CUDA graph declares `CUDA_GRAPH = True`; the replay is checked.
    A module that writes out the gradient by the parameters declares `GRADIENT = "by hand"`; the default is
    "framework". A module that has a rule of its own for the loss node alone (`torch.autograd.Function`,
    `jax.custom_vjp`) declares `GRADIENT = "framework, own loss rule"`. Frameworks are compared within a kind.
    A module that rests on names that its framework keeps private or does not document lists them in full:
    `PRIVATE_NAMES = ("torch._higher_order_ops.scan",)`.
    A module that is the usual program of its tier and framework declares `USUAL = True`: plots show it as
    a solid line.
    A module that can train over several processes declares `SPANS_RANKS = True`, see `SpansRanks`.
    """

    FRAMEWORK: str
    """The package it imports ("torch"); without that package it is skipped."""

    TIER: str
    """The work of one call: "eager" (an operation), "step", "epoch"; also "floor" and "reference".

    "kernel" is a step or an epoch as GPU kernels that the author writes in the framework.
    """

    def unavailable(self, device: Device) -> str | None:
        """Return why it can't run on the device, or None."""

    def prepare(self, problem: Problem, parameters: Parameters, device: Device) -> State:
        """Build model and optimizer on the device from these parameters. Part of the first call."""

    def place(self, problem: Problem, batches: Batches, device: Device) -> Placed:
        """Copy an epoch's batches to the device; under feed="host", prepare them in host memory.

        Part of the first call.
        """

    def run_epoch(self, state: State, batches: Placed) -> State:
        """Train on each batch in order and return when the device has finished. Timed.

        Under feed="host" this copies each batch to the device, under readback="step" it reads each loss.
        """

    def export(self, state: State) -> EpochResult:
        """Copy the latest epoch's losses and the parameters to the host. Untimed."""


class SpansRanks(Implementation, Protocol):
    """An implementation that can train over several processes, and declares `SPANS_RANKS = True`.

    `place` gets whole batches and keeps this rank's rows; `export` returns the losses of whole batches.
    """

    def join(self, ranks: Ranks) -> None:
        """Join the other ranks; with one rank, set up what the loop needs. Called once, before `prepare`.

        With several ranks, only importing the module comes before it.
        """

    def leave(self) -> None:
        """Leave the other ranks, after the last training of each."""

    def largest(self, values: Sequence[float]) -> list[float]:
        """Exchange as many values as each other rank, and return the largest of each. Untimed."""
