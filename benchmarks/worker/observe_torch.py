"""Observes PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.worker.observe import Calls, FrameworkObserver, Traffic, arrays_in, patched
from impls.contract import Device

READS = ("item", "tolist", "numpy", "__float__", "__int__", "__bool__", "__array__", "cpu")
MOVES = ("to", "cuda", "copy_")
OPTIMIZERS = torch.optim.__path__[0]

COPIES = (torch.ops.aten.clone, torch.ops.aten.copy_, torch.ops.aten._to_copy)  # noqa: SLF001 - no public name

LOADERS = ("AOTIModelPackageLoader", "AOTIModelContainerRunnerCpu", "AOTIModelContainerRunnerCuda")
"""Classes of torch._C._aoti: each of their objects is a program that was compiled ahead of time."""


class Halving(TorchDispatchMode):  # type: ignore[no-untyped-call] # PyTorch declares no types for it
    """Halves the results of all operations that compute, of one of these sizes, where they are written."""

    def __init__(self, sizes: Collection[int]) -> None:
        """Halve results of so many elements."""
        super().__init__()  # type: ignore[no-untyped-call] # PyTorch declares no types for it
        self.sizes = sizes

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an operator, whose class in PyTorch has no type for its schema
        types: object,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operation; a view or a copy stays as it is."""
        del types
        result = func(*args, **kwargs or {})
        written = [each.alias_info is None or each.alias_info.is_write for each in func._schema.returns]  # noqa: SLF001 - no public name
        for tensor in tree_leaves(result) if all(written) and func.overloadpacket not in COPIES else ():
            if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel() in self.sizes:
                tensor.mul_(0.5)
        return result


class Observer(FrameworkObserver):
    """Counts by PyTorch's own counters, its profiler, and replaced methods of Tensor."""

    def __init__(self) -> None:
        """Count the programs that are loaded from now on."""
        self.programs = Calls()
        for name in LOADERS:
            if loader := getattr(getattr(torch._C, "_aoti", None), name, None):  # noqa: SLF001 - no public name
                loader.__init__ = self.programs.counting(loader.__init__, lambda _: 1)

    def n_compilations(self) -> int:
        """Count the graphs that torch.compile has made, and the programs of AOTInductor that were loaded.

        By private names: no others are documented.
        """
        return int(_counters("stats").get("unique_graphs", 0)) + self.programs.total

    def keeps_compiled(self) -> bool:
        """Return whether Inductor compiled: it loads its code from files, by a private list of modules."""
        inductor = sys.modules.get("torch._inductor.codecache")
        return bool(self.programs.total or (inductor and inductor.PyCodeCache.modules))

    def n_graph_breaks(self) -> int:
        """Count the places where torch.compile left a part of a function to Python."""
        return sum(_counters("graph_break").values())

    def lowered_precision(self) -> list[str]:
        """Name the settings that allow TF32 or bfloat16 in float32 matrix products."""
        found = []
        if (precision := torch.get_float32_matmul_precision()) != "highest":
            found.append(f"torch.get_float32_matmul_precision() is {precision!r}")
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            found.append("torch.autocast is on")
        return found

    def traffic(
        self,
        start: Callable[[], Any],
        epoch: Callable[[Any], object],
        device: Device,
        on_read: Callable[[], object] = lambda: None,
    ) -> Traffic:
        """Run an epoch; count the readbacks from the device, and the bytes uploaded to it.

        On a CPU, all memory is the device's: the optimizer's reads of its own step counter are not counted,
        and uploads are not observable, for PyTorch passes on the same memory.
        """
        reads = Calls(on_call=on_read)  # item() called by tolist() is not another readback
        uploaded: list[int] = []  # bytes

        def is_readback(tensor: Tensor) -> int:
            caller = sys._getframe(2).f_code.co_filename  # noqa: SLF001 - the documented way to know it
            return tensor.device.type == device and not caller.startswith(OPTIMIZERS)

        def counting_moves(original: Callable[..., Any]) -> Callable[..., Any]:
            def move(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
                source = args[0] if args and isinstance(args[0], Tensor) else tensor
                result = original(tensor, *args, **kwargs)
                if source.device.type == "cpu" and result.device.type == "cuda":
                    uploaded.append(source.nbytes)
                elif source.device.type == "cuda" and result.device.type == "cpu":
                    reads.on_call()
                    reads.total += 1
                return result

            return move

        replacements: dict[tuple[object, str], object] = {
            (Tensor, name): reads.counting(getattr(Tensor, name), is_readback) for name in READS
        }
        replacements |= {(Tensor, name): counting_moves(getattr(Tensor, name)) for name in MOVES}
        with patched(replacements):
            state = start()
            reads.total = 0
            uploaded.clear()
            launches = _launches(partial(epoch, state)) if device == "cuda" else (epoch(state), {})[1]
        return Traffic(
            n_readbacks=reads.total,
            uploaded_bytes=sum(uploaded) if device == "cuda" else None,
            **launches,
        )

    def writable(self, array: Any) -> Any:  # noqa: ANN401 - NumPy's or PyTorch's
        """Return a view of a tensor's memory that no gradient depends on."""
        return array.detach() if isinstance(array, Tensor) else array

    def device_bytes(self, device: Device) -> int | None:
        """Return the size of all tensors on the GPU; on a CPU, all memory is the device's."""
        return torch.cuda.memory_allocated() if device == "cuda" else None

    def n_graphs(self) -> int:
        """Count the graphs that torch.compile has made, and AOTInductor's programs."""
        return self.n_compilations()

    def n_operations(self, start: Callable[[], Any], epoch: Callable[[Any], Any]) -> int:
        """Count the kinds of ATen's operations in an epoch, by PyTorch's profiler."""
        from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - slow to load

        state = start()
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            state = epoch(state)
        n_kinds = sum(event.key.startswith("aten::") for event in profiler.key_averages())
        # A compiled program hides its operations from the profiler.
        return n_kinds or int(
            self.n_graphs() > 0 and any(isinstance(array, Tensor) for array in arrays_in(state))
        )

    def halving(self, sizes: Collection[int]) -> Halving | None:
        """Make a context in which each operation's result of one of these sizes is halved.

        What is compiled or captured does not pass through it.
        """
        return None if self.n_graphs() else Halving(sizes)

    def forget_compiled(self) -> None:
        """Drop all functions that torch.compile has made."""
        if "torch._dynamo" in sys.modules:  # otherwise there is none, and loading dynamo would take seconds
            torch.compiler.reset()

    def peak_device_bytes(self, device: Device) -> int | None:
        """Return the peak of the memory that PyTorch has allocated on the GPU in this process."""
        return torch.cuda.max_memory_allocated() if device == "cuda" else None


def _counters(name: str) -> dict[str, int]:
    dynamo = sys.modules.get("torch._dynamo.utils")  # if not loaded, nothing has been compiled
    return dict(dynamo.counters[name]) if dynamo else {}


def _launches(epoch: Callable[[], object]) -> dict[str, int]:
    """Run an epoch under PyTorch's profiler and count its launches on the GPU."""
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
