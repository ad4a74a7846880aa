"""The native floor on a GPU: one launch per epoch of a fused kernel, compiled here by NVRTC."""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import tempfile
from ctypes import c_float, c_longlong, c_uint64
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from impls import _cuda
from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from impls.contract import Batches, Parameters, Problem

SOURCE = Path(__file__).with_name("native_floor.cu")

NARROW = 4
"""Features of a row that one thread reads; a warp reads wider ones."""

WARP = 32

MAX_THREADS = {1: 1024, WARP: 512}
"""Of a block, where a thread or a warp reads a row: each thread of a warp needs more registers."""

BLOCK, CLUSTER, GRID = range(3)
"""What trains: as in the CUDA source."""

LARGEST_CLUSTER = {"sm_90": 16, "sm_100": 16}
"""Blocks, where it is more than on any GPU with clusters."""

ROWS_OF_THREAD = 2
"""A block, or else a cluster, trains if its threads, or warps, have at most so many rows of a batch each.
Untried: benchmarks/studies/gpu/floor.py measures the borders."""


class Plan(NamedTuple):
    """A problem's kernel, and how it is launched."""

    options: tuple[str, ...]  # of the compiler
    scope: int
    launch: _cuda.Launch


class CTraining(ctypes.Structure):
    """`Training` in the CUDA source."""

    _fields_ = (
        *((name, c_float) for name in ("learning_rate", "beta1", "beta2", "epsilon")),
        *((name, c_float) for name in ("log_clamp", "gradient_clamp")),
        *((name, c_uint64) for name in ("powers", "parameters", "sums", "arrived", "losses")),
    )


class CEpoch(ctypes.Structure):
    """`Epoch` in the CUDA source."""

    _fields_ = (
        *((name, c_longlong) for name in ("n_batches", "batch_size", "last_batch_size")),
        *((name, c_uint64) for name in ("x", "y")),
    )


@dataclass(frozen=True)
class Placed:
    """An epoch's batches, one after another."""

    epoch: CEpoch
    memory: tuple[_cuda.Memory, ...]  # x (n_samples, n_features), y (n_samples,)


@dataclass(frozen=True)
class State:
    """The kernel's memory."""

    kernel: _cuda.Kernel
    training: CTraining
    memory: dict[str, _cuda.Memory]  # by the names of the structure
    n_batches: int

    def run_epoch(self, batches: Placed) -> None:
        """Train on each batch in order and wait for the device."""
        self.kernel.run(ctypes.addressof(self.training), ctypes.addressof(batches.epoch))

    def export(self) -> EpochResult:
        """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
        n_features = (self.memory["parameters"].n_bytes // 4) // 3 - 1
        vector = self.memory["parameters"].read(np.empty(n_features + 1, np.float32))
        losses = self.memory["losses"].read(np.empty(self.n_batches, np.float32))
        return EpochResult(losses, vector[:-1], vector[-1])


def unavailable() -> str | None:
    """Return why it can't run, or None."""
    if reason := _cuda.without_gpu():
        return reason
    architecture = _cuda.gpu().architecture
    if int(architecture.removeprefix("sm_")) < 90:  # noqa: PLR2004 - Hopper
        return f"its kernel needs a GPU with clusters, sm_90 or later; this one is {architecture}"
    return _cuda.without_compiler(architecture)


def prepare(problem: Problem, parameters: Parameters, scope: int | None = None) -> State:
    """Compile the kernel; allocate the parameters, Adam's moments and the kernel's sums.

    The batch decides the scope unless it is given.
    """
    plan = plan_of(problem, _cuda.gpu(), scope)
    vector = np.append(parameters.weight, parameters.bias)
    n_sums = 2 * (problem.n_features + 2) * plan.launch.n_blocks
    arrays: dict[str, NDArray[np.generic]] = {
        "powers": np.ones(2),
        "parameters": np.stack([vector, np.zeros_like(vector), np.zeros_like(vector)]),
        "sums": np.zeros(n_sums, np.float32),
        "arrived": np.zeros(1, np.uint64),
        "losses": np.zeros(problem.n_batches, np.float32),
    }
    memory = {name: _cuda.Memory(array) for name, array in arrays.items()}
    training = CTraining(
        learning_rate=problem.learning_rate,
        beta1=BETA1,
        beta2=BETA2,
        epsilon=EPSILON,
        log_clamp=LOG_CLAMP,
        gradient_clamp=GRADIENT_CLAMP,
        **{name: each.pointer for name, each in memory.items()},
    )
    return State(kernel_of(plan), training, memory, problem.n_batches)


def place(problem: Problem, batches: Batches) -> Placed:
    """Copy the batches one after another to the GPU, or to pinned host memory, which the kernel reads."""
    arrays = [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]
    x, y = (_cuda.Memory(array, on_host=problem.feed == "host") for array in arrays)
    last_batch_size = len(batches[-1][1])
    return Placed(CEpoch(len(batches), problem.batch_size, last_batch_size, x.pointer, y.pointer), (x, y))


def plan_of(problem: Problem, gpu: _cuda.Gpu, scope: int | None = None) -> Plan:
    """Choose the blocks, and what trains, unless it is given.

    Raises:
        ValueError: a block's shared memory can't hold so many features.

    """
    lanes = 1 if problem.n_features <= NARROW else WARP
    wanted = problem.batch_size * lanes
    n_threads = min(MAX_THREADS[lanes], math.ceil(wanted / WARP) * WARP)
    while shared_bytes(problem.n_features, n_threads) > gpu.shared_bytes and n_threads > WARP:
        n_threads = max(n_threads // 2 // WARP, 1) * WARP
    if shared_bytes(problem.n_features, n_threads) > gpu.shared_bytes:
        without = shared_bytes(0, WARP)
        most = (gpu.shared_bytes - without) // (shared_bytes(1, WARP) - without)
        message = f"expected at most {most:,} features, found {problem.n_features:,}"
        raise ValueError(message)
    n_needed = math.ceil(wanted / n_threads)
    largest_cluster = LARGEST_CLUSTER.get(gpu.architecture, _cuda.PORTABLE_CLUSTER)
    if scope is None:
        scopes = (BLOCK, 1), (CLUSTER, largest_cluster)
        scope = next((each for each, n in scopes if n_needed <= n * ROWS_OF_THREAD), GRID)
    largest = {BLOCK: 1, CLUSTER: largest_cluster, GRID: gpu.n_multiprocessors}[scope]
    launch = _cuda.Launch(
        n_blocks=min(n_needed, largest),
        n_threads=n_threads,
        shared_bytes=shared_bytes(problem.n_features, n_threads),
        is_cluster=scope == CLUSTER,
        is_cooperative=scope == GRID,
    )
    macros = {
        "N_FEATURES": problem.n_features,
        "ON_LOGITS": int(problem.loss == "bce_with_logits"),
        "MAX_THREADS": MAX_THREADS[lanes],
        "SCOPE": scope,
    }
    defined = (f"-D{name}={value}" for name, value in macros.items())
    return Plan((f"--gpu-architecture={gpu.architecture}", "--std=c++17", *defined), scope, launch)


def shared_bytes(n_features: int, n_threads: int) -> int:
    """Return the size of the kernel's shared memory: parameters, moments, two totals, each warp's sums."""
    return 4 * (3 * (n_features + 1) + (2 + n_threads // WARP) * (n_features + 2))


@cache  # one kernel for all trainings
def kernel_of(plan: Plan) -> _cuda.Kernel:
    """Return the kernel, compiled on first use."""
    return _cuda.Kernel(cached(SOURCE.read_text(encoding="utf-8"), plan.options), "run_epoch", plan.launch)


def cached(source: str, options: tuple[str, ...]) -> bytes:
    """Compile the source, unless the cache has it from this compiler."""
    key = hashlib.sha256("\n".join([source, *options, _cuda.nvrtc_version()]).encode()).hexdigest()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "perceptron-bench")
    file = folder / f"{key[:32]}.cubin"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        code, _ = _cuda.compiled(source, options)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            Path(scratch, "code").write_bytes(code)
            Path(scratch, "code").replace(file)  # atomically: another process sees the whole file or none
    return file.read_bytes()
