"""One call per epoch of a fused C or CUDA kernel, compiled here: what the device allows, no framework."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from ctypes import POINTER, c_double, c_float, c_int64
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from impls import _native_cuda
from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem

FRAMEWORK = "numpy"
TIER = "floor"
GRADIENT = "by hand"
USUAL = True
SUPPORTS = ("loss=bce_with_logits", "feed=host")

SOURCE = Path(__file__).with_suffix(".c")
MOST_NARROW = 4  # features for which the source has loops of its own

# The parts of -ffast-math that the loops need to become vector code. The rest would round divisions twice, so
# that p could exceed 1, and GCC's linker would turn denormal numbers off in the whole process.
FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fassociative-math", "-fno-signed-zeros"]
FLAGS += ["-fopenmp-simd", "-shared", "-fPIC"]
FLAGS += ["-mcpu=native"] if platform.machine() in ("aarch64", "arm64") else ["-march=native"]
if platform.machine() in ("x86_64", "AMD64"):  # by default GCC uses half of AVX-512's width on Intel
    FLAGS += ["-mprefer-vector-width=512"]


class CTraining(ctypes.Structure):
    """`Training` in the C source."""

    _fields_ = (
        *((name, c_int64) for name in ("n_features", "on_logits")),
        *((name, c_float) for name in ("learning_rate", "beta1", "beta2", "epsilon")),
        *((name, c_float) for name in ("log_clamp", "gradient_clamp")),
        *((name, c_double) for name in ("beta1_power", "beta2_power")),
        *((name, POINTER(c_float)) for name in ("parameters", "first_moment", "second_moment")),
        ("gradient", POINTER(c_double)),
        *((name, POINTER(c_float)) for name in ("partial", "losses")),
    )


class CEpoch(ctypes.Structure):
    """`Epoch` in the C source."""

    _fields_ = (
        *((name, c_int64) for name in ("n_batches", "batch_size", "last_batch_size")),
        *((name, POINTER(c_float)) for name in ("x", "y")),
    )


@dataclass(frozen=True)
class Placed:
    """An epoch's batches, one after another."""

    epoch: CEpoch
    x: NDArray[np.float32]  # each batch's in the kernel's layout
    y: NDArray[np.float32]


@dataclass
class State:
    """The kernel's memory, and the arrays in it that are exported."""

    training: CTraining
    parameters: NDArray[np.float32]  # (n_features + 1,), the bias last
    losses: NDArray[np.float32]  # (n_batches,)

    def run_epoch(self, batches: Placed) -> None:
        """Train on each batch in order."""
        kernel()(ctypes.byref(self.training), ctypes.byref(batches.epoch))

    def export(self) -> EpochResult:
        """Copy the epoch's losses (n_batches,), weight (n_features,) and bias ()."""
        return EpochResult(self.losses.copy(), self.parameters[:-1].copy(), self.parameters[-1].copy())


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    if device == "cuda":
        return _native_cuda.unavailable()
    if not find_compiler():
        return "no C compiler: looked for $CC, cc, gcc and clang"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State | _native_cuda.State:
    """Allocate the parameters, Adam's moments and the kernel's sums."""
    if device == "cuda":
        return _native_cuda.prepare(problem, parameters)
    vector = np.append(parameters.weight, parameters.bias)
    losses = np.zeros(problem.n_batches, np.float32)
    training = CTraining(
        n_features=problem.n_features,
        on_logits=problem.loss == "bce_with_logits",
        learning_rate=problem.learning_rate,
        beta1=BETA1,
        beta2=BETA2,
        epsilon=EPSILON,
        log_clamp=LOG_CLAMP,
        gradient_clamp=GRADIENT_CLAMP,
        beta1_power=1,
        beta2_power=1,
        parameters=pointer(vector),
        first_moment=pointer(np.zeros_like(vector)),
        second_moment=pointer(np.zeros_like(vector)),
        gradient=pointer(np.zeros(len(vector))),
        partial=pointer(np.zeros_like(vector)),
        losses=pointer(losses),
    )
    return State(training, vector, losses)


def place(problem: Problem, batches: Batches, device: Device) -> Placed | _native_cuda.Placed:
    """Copy the batches one after another; on a CPU, they stay in host memory.

    Of few features each batch is transposed: an instruction then loads one feature of several rows.
    """
    if device == "cuda":
        return _native_cuda.place(problem, batches)
    is_narrow = problem.n_features <= MOST_NARROW
    x, y = joined([x.T if is_narrow else x for x, _ in batches]), joined([y for _, y in batches])
    sizes = len(batches), problem.batch_size, len(batches[-1][1])
    return Placed(CEpoch(*sizes, pointer(x), pointer(y)), x, y)


def run_epoch(state: Any, batches: Any) -> Any:  # noqa: ANN401 - the CPU's or the GPU's
    """Train on each batch in order, and wait for the device."""
    state.run_epoch(batches)
    return state


def export(state: State | _native_cuda.State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias ()."""
    return state.export()


def joined(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Copy the arrays one after another, starting at a cache line (64 bytes)."""
    size = sum(array.size for array in arrays)
    memory = np.empty(size + 16, np.float32)
    start = -memory.ctypes.data % 64 // memory.itemsize
    return np.concatenate([array.ravel() for array in arrays], out=memory[start : start + size])


def pointer(array: NDArray[Any]) -> Any:  # noqa: ANN401 - ctypes has no public type for it
    """Point to the array's first element; the pointer keeps the array alive."""
    return np.ctypeslib.as_ctypes(array.reshape(-1))


@cache  # one compilation for all trainings
def kernel() -> Callable[..., None]:
    """Return the kernel's function, compiled on first use."""
    function = compiled(SOURCE.read_text(encoding="utf-8")).run_epoch
    function.restype = None
    return function


def compiled(source: str) -> ctypes.CDLL:
    """Load the C source's library; compile it unless the cache has it from this compiler and processor.

    Raises:
        RuntimeError: it does not compile; the message is the compiler's.

    """
    compiler = find_compiler()
    version = _run([*compiler, "--version"])
    key = hashlib.sha256("\n".join([source, *compiler, *FLAGS, version, processor()]).encode()).hexdigest()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "perceptron-bench")
    library = folder / f"{key[:32]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            output = Path(scratch, "kernel.so")
            command = [*compiler, *FLAGS, "-x", "c", "-", "-o", str(output), "-lm"]
            _run(command, source)
            output.replace(library)  # atomically: another process sees the whole file or none
    return ctypes.CDLL(str(library))


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 - the compiler
    if done.returncode:
        message = f"{shlex.join(command)} failed:\n{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def find_compiler() -> list[str]:
    """Return the command of the C compiler, $CC or one on the path; empty if there is none."""
    candidates = [shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"]]
    return next((command for command in candidates if command and shutil.which(command[0])), [])


def processor() -> str:
    """Describe the processor by the properties that decide which instructions it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.mac_ver()[0]}"
    telling = ("vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(telling)}))
