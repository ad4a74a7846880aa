"""A stand-in for CUDA's driver and compiler: the C++ compiler compiles the kernel, and a CPU runs it."""

from __future__ import annotations

import ctypes
import subprocess
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from impls import _cuda, _native_cuda

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = Path(__file__).with_suffix(".h")
START = """
extern "C" void start(unsigned n_blocks, unsigned n_threads, size_t n_bytes, Training *t, Epoch *e) {
    launch(n_blocks, n_threads, n_bytes, [=] { run_epoch(*t, *e); });
}
"""


class Memory:
    """Memory of the CPU."""

    def __init__(self, array: NDArray[Any], *, on_host: bool = False) -> None:
        del on_host
        self.array = np.ascontiguousarray(array).copy()
        self.n_bytes, self.pointer = self.array.nbytes, self.array.ctypes.data

    def read(self, array: NDArray[Any]) -> NDArray[Any]:
        array[...] = self.array.ravel()[: array.size].reshape(array.shape)
        return array


def kernel(plan: _native_cuda.Plan, folder: Path) -> SimpleNamespace:
    """Compile the kernel; `run` runs it."""
    library = folder / f"{abs(hash(plan.options))}.so"
    if not library.exists():
        macros = [option for option in plan.options if option.startswith("-D")]
        command = ["g++", "-std=c++17", "-O1", "-w", "-shared", "-fPIC", f"-include{HEADER}", *macros]
        source = _native_cuda.SOURCE.read_text(encoding="utf-8") + START
        subprocess.run([*command, "-xc++", "-", "-o", library], input=source, text=True, check=True)  # noqa: S603 - the compiler
    start, launch = ctypes.CDLL(str(library)).start, plan.launch
    shape = (launch.n_blocks, launch.n_threads, ctypes.c_size_t(launch.shared_bytes))
    return SimpleNamespace(run=lambda *addresses: start(*shape, *map(ctypes.c_void_p, addresses)))


def install(patch: Any, folder: Path, *, n_multiprocessors: int = 3) -> None:
    """Let the CUDA floor run on a GPU of few multiprocessors, which the CPU emulates."""
    patch.setattr(_cuda, "gpu", lambda: _cuda.Gpu("sm_90", n_multiprocessors, 227 * 1024))
    patch.setattr(_cuda, "Memory", Memory)
    patch.setattr(_native_cuda, "kernel_of", cache(lambda plan: kernel(plan, folder)))
