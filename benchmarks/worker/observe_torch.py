"""What a worker can see of PyTorch's doings."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from benchmarks.worker.observe import Traffic, patched

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Device

READS = ("item", "tolist", "numpy", "__float__", "__int__", "__bool__", "__array__", "cpu")
MOVES = ("to", "cuda", "copy_")
OPTIMIZERS = torch.optim.__path__[0]


def n_compilations() -> int:
    """Count the graphs that torch.compile has made. Its counters are private: torch documents no others."""
    return int(_counters("stats").get("unique_graphs", 0))


def n_graph_breaks() -> int:
    """Count where torch.compile gave up a part of a function."""
    return sum(_counters("graph_break").values())


def _counters(name: str) -> dict[str, int]:
    dynamo = sys.modules.get("torch._dynamo.utils")  # not loaded: nothing has been compiled
    return dict(dynamo.counters[name]) if dynamo else {}


def lowered_precision() -> list[str]:
    """Name the settings that allow TF32 or bfloat16 in float32 matrix products."""
    found = []
    if (precision := torch.get_float32_matmul_precision()) != "highest":
        found.append(f"torch.get_float32_matmul_precision() is {precision!r}")
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        found.append("torch.autocast is on")
    return found


def gpu_memory() -> None:
    """Tell nothing: PyTorch takes none beforehand."""


def traffic(start: Callable[[], Any], epoch: Callable[[Any], object], device: Device) -> Traffic:
    """Run an epoch; count what is read from the device, and the bytes that go there.

    On a CPU, "the device" is where everything is: what the optimizer reads of its own step counter is not
    counted, and handing over is not to be seen, for PyTorch hands over the same memory.
    """
    reads: list[str] = []
    moved: list[int] = []
    inside: list[str] = []  # item() called by tolist() is no readback of its own

    def counting_reads(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
            caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - the documented way to know it
            if tensor.device.type == device and not inside and not caller.startswith(OPTIMIZERS):
                reads.append(name)
            inside.append(name)
            try:
                return original(tensor, *args, **kwargs)
            finally:
                inside.pop()

        return read

    def counting_moves(original: Callable[..., Any]) -> Callable[..., Any]:
        def move(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
            source = args[0] if args and isinstance(args[0], Tensor) else tensor
            result = original(tensor, *args, **kwargs)
            if source.device.type == "cpu" and result.device.type == "cuda":
                moved.append(source.nbytes)
            elif source.device.type == "cuda" and result.device.type == "cpu":
                reads.append("to")
            return result

        return move

    replacements: dict[tuple[object, str], object] = {
        (Tensor, name): counting_reads(name, getattr(Tensor, name)) for name in READS
    }
    replacements |= {(Tensor, name): counting_moves(getattr(Tensor, name)) for name in MOVES}
    with patched(replacements):
        state = start()
        reads.clear()
        moved.clear()
        launches = _launches(partial(epoch, state)) if device == "cuda" else (epoch(state), {})[1]
    return Traffic(
        n_readbacks=len(reads),
        uploaded_bytes=sum(moved) if device == "cuda" else None,
        **launches,
    )


def _launches(epoch: Callable[[], object]) -> dict[str, int]:
    """Run an epoch under PyTorch's profiler and count what it launches on the GPU."""
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - on a GPU only

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        epoch()
    counts = {event.key: event.count for event in profiler.key_averages()}
    return {
        "n_graph_launches": counts.get("cudaGraphLaunch", 0),
        "n_kernel_launches": sum(
            n for key, n in counts.items() if key.startswith(("cudaLaunch", "cuLaunch"))
        ),
    }


def forget_compiled() -> None:
    """Drop all that torch.compile has made."""
    if "torch._dynamo" in sys.modules:  # else there is nothing, and loading it would take seconds
        torch.compiler.reset()


def peak_device_bytes(device: Device) -> int | None:
    """Give the peak of the memory that PyTorch's allocator has handed out on the GPU in this process."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else None
