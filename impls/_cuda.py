"""CUDA's driver and run-time compiler, as far as `native_floor` needs them, by ctypes."""

from __future__ import annotations

import ctypes
import importlib.util
import weakref
from contextlib import suppress
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MULTIPROCESSORS, MAJOR, MINOR, SHARED_BYTES = 16, 75, 76, 97  # CUdevice_attribute
DYNAMIC_SHARED_BYTES, ANY_CLUSTER = 8, 14  # CUfunction_attribute
COOPERATIVE, CLUSTER_SIZE = 2, 4  # CUlaunchAttributeID
PORTABLE_CLUSTER = 8  # blocks that a cluster may have on any GPU that has clusters


class CudaError(RuntimeError):
    """A call of the driver or the compiler failed."""


class Attribute(ctypes.Structure):
    """`CUlaunchAttribute`: an identifier, and a union of 64 bytes that begins with the value."""

    _fields_ = (("id", c_int), ("padding", c_int), ("value", c_uint * 16))


class LaunchConfig(ctypes.Structure):
    """`CUlaunchConfig`."""

    _fields_ = (
        ("grid", c_uint * 3),
        ("block", c_uint * 3),
        ("shared_bytes", c_uint),
        ("stream", c_void_p),
        ("attributes", POINTER(Attribute)),
        ("n_attributes", c_uint),
    )


@dataclass(frozen=True)
class Gpu:
    """The properties of CUDA's first GPU that a launch depends on."""

    architecture: str  # "sm_90"
    n_multiprocessors: int
    shared_bytes: int  # of a block, at most


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The shape of a launch."""

    n_blocks: int
    n_threads: int  # of a block
    shared_bytes: int  # of a block
    is_cluster: bool  # of all blocks
    is_cooperative: bool  # the blocks wait for each other


class Memory:
    """Memory that the GPU reaches; freed with this object."""

    def __init__(self, array: NDArray[Any], *, on_host: bool = False) -> None:
        """Copy the array to the GPU, or to pinned host memory, which the GPU reads at the same address."""
        self.n_bytes, pointer = array.nbytes, c_uint64()
        array = np.ascontiguousarray(array)
        if on_host:
            call("cuMemHostAlloc", byref(pointer), c_size_t(array.nbytes), 0)
            ctypes.memmove(pointer.value or 0, array.ctypes.data, array.nbytes)
        else:
            call("cuMemAlloc_v2", byref(pointer), c_size_t(array.nbytes))
            call("cuMemcpyHtoD_v2", pointer, c_void_p(array.ctypes.data), c_size_t(array.nbytes))
        self.pointer = int(pointer.value)
        free = driver().cuMemFreeHost if on_host else driver().cuMemFree_v2
        weakref.finalize(self, free, pointer)  # without a check: after a kernel that failed, it fails too

    def read(self, array: NDArray[Any]) -> NDArray[Any]:
        """Fill the array from the start of the memory, and return it."""
        call("cuMemcpyDtoH_v2", c_void_p(array.ctypes.data), c_uint64(self.pointer), c_size_t(array.nbytes))
        return array


def without_gpu() -> str | None:
    """Return why nothing can run, or None."""
    try:
        gpu()
    except (OSError, CudaError) as error:
        return f"no GPU of NVIDIA's with its driver ({error})"
    return None


def without_compiler(architecture: str) -> str | None:
    """Return why nothing can be compiled for the GPU, or None."""
    try:
        compiled("", [f"--gpu-architecture={architecture}"])  # loading it does not load its second library
    except (OSError, CudaError) as error:
        remedy = "install nvidia-cuda-nvrtc, or this package's extra: pip install '.[kernel]'"
        return f"no CUDA compiler ({' '.join(str(error).split())}); {remedy}"
    return None


@cache
def driver() -> ctypes.CDLL:
    """Load the driver, and use the first GPU's primary context, as the frameworks do."""
    library = ctypes.CDLL("libcuda.so.1")
    device, context = c_int(), c_void_p()
    for name, *arguments in (
        ("cuInit", 0),
        ("cuDeviceGet", byref(device), 0),
        ("cuDevicePrimaryCtxRetain", byref(context), device),
        ("cuCtxSetCurrent", context),
    ):
        _check(library, name, getattr(library, name)(*arguments))
    return library


def call(name: str, *arguments: Any) -> None:  # noqa: ANN401 - ctypes' own
    """Call a function of the driver.

    Raises:
        CudaError: it failed.

    """
    _check(driver(), name, getattr(driver(), name)(*arguments))


def _check(library: ctypes.CDLL, name: str, status: int) -> None:
    if status:
        text = c_char_p()
        library.cuGetErrorString(status, byref(text))
        message = f"{name}: {(text.value or b'').decode() or f'error {status}'}"
        raise CudaError(message)


@cache
def gpu() -> Gpu:
    """Return the first GPU."""
    attributes = (MULTIPROCESSORS, MAJOR, MINOR, SHARED_BYTES)
    n_multiprocessors, major, minor, shared_bytes = map(_of_device, attributes)
    return Gpu(f"sm_{major}{minor}", n_multiprocessors, shared_bytes)


def _of_device(attribute: int) -> int:
    value = c_int()
    call("cuDeviceGetAttribute", byref(value), attribute, 0)
    return value.value


@cache
def nvrtc() -> ctypes.CDLL:
    """Load the compiler: that of the package nvidia-cuda-nvrtc, or the system's.

    Raises:
        OSError: there is none.

    """
    spec = importlib.util.find_spec("nvidia")
    folders = map(Path, spec.submodule_search_locations or ()) if spec else ()
    found = sorted((path for folder in folders for path in folder.glob("*/lib/libnvrtc.so.*")), reverse=True)
    # NVRTC 13.0 loads its second library by its name, and does not look for it in its own folder.
    pairs = [[*map(str, path.parent.glob("libnvrtc-builtins.so.*")), str(path)] for path in found]
    for names in (*pairs, ["libnvrtc.so.13"], ["libnvrtc.so.12"]):
        with suppress(OSError):
            return [ctypes.CDLL(name) for name in names][-1]
    message = "libnvrtc.so is not found"
    raise OSError(message)


def nvrtc_version() -> str:
    """Return the compiler's version."""
    major, minor = c_int(), c_int()
    nvrtc().nvrtcVersion(byref(major), byref(minor))
    return f"{major.value}.{minor.value}"


def compiled(source: str, options: Sequence[str]) -> tuple[bytes, str]:
    """Compile CUDA C++ to code for a GPU; also return the compiler's log.

    Raises:
        CudaError: it does not compile; the message is the compiler's.

    """
    compiler, program = nvrtc(), c_void_p()
    compiler.nvrtcCreateProgram(byref(program), source.encode(), b"floor.cu", 0, None, None)
    texts = [option.encode() for option in options]
    status = compiler.nvrtcCompileProgram(program, len(texts), (c_char_p * len(texts))(*texts))
    log = _text_of(program, "ProgramLog").rstrip(b"\0").decode()
    code = b"" if status else _text_of(program, "CUBIN")
    compiler.nvrtcDestroyProgram(byref(program))
    if status:
        message = f"NVRTC failed with {' '.join(options)}:\n{log}"
        raise CudaError(message)
    return code, log


def _text_of(program: c_void_p, name: str) -> bytes:
    size = c_size_t()
    getattr(nvrtc(), f"nvrtcGet{name}Size")(program, byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(nvrtc(), f"nvrtcGet{name}")(program, text)
    return text.raw


class Kernel:
    """A kernel in a GPU's memory, with all that its launches have in common; it is never unloaded."""

    def __init__(self, code: bytes, name: str, launch: Launch) -> None:
        """Load the compiled code, and allow the launch."""
        module, self.function = c_void_p(), c_void_p()
        call("cuModuleLoadData", byref(module), code)
        call("cuModuleGetFunction", byref(self.function), module, name.encode())
        call("cuFuncSetAttribute", self.function, DYNAMIC_SHARED_BYTES, launch.shared_bytes)
        if launch.is_cluster and launch.n_blocks > PORTABLE_CLUSTER:
            call("cuFuncSetAttribute", self.function, ANY_CLUSTER, 1)
        wanted: dict[int, tuple[int, ...]] = (
            {CLUSTER_SIZE: (launch.n_blocks, 1, 1)} if launch.is_cluster else {}
        )
        wanted |= {COOPERATIVE: (1,)} if launch.is_cooperative else {}
        attributes = [Attribute(id=id_, value=value) for id_, value in wanted.items()]
        self.config = LaunchConfig(
            grid=(launch.n_blocks, 1, 1),
            block=(launch.n_threads, 1, 1),
            shared_bytes=launch.shared_bytes,
            attributes=(Attribute * len(attributes))(*attributes) if attributes else None,
            n_attributes=len(attributes),
        )
        self.start, self.wait = driver().cuLaunchKernelEx, driver().cuCtxSynchronize

    def run(self, *arguments: int) -> None:
        """Run it on the arguments at these addresses, and wait for it.

        Raises:
            CudaError: it failed.

        """
        pointers = (c_void_p * len(arguments))(*arguments)
        status = self.start(byref(self.config), self.function, pointers, None) or self.wait()
        if status:
            _check(driver(), "the kernel", status)
