"""Observes a framework while it works: compilations, transfers, settings; each framework has its own file.

A framework without a file `observe_NAME.py` is measured all the same; the record then says "not observable".
"""

import gc
import importlib
import importlib.util
import os
import resource
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from impls.contract import Device

CLEAR_PEAK = Path("/proc/self/clear_refs")  # Linux: writing 5 there sets the peak to the present
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Traffic between host and device in one epoch; None: not observable."""

    n_readbacks: int | None = None
    uploaded_bytes: int | None = None
    n_graph_launches: int | None = None  # of CUDA graphs
    n_kernel_launches: int | None = None  # outside of them


class FrameworkObserver:
    """Observes nothing. A framework's class overrides every method that it can; None: not observable."""

    def n_compilations(self) -> int | None:
        """Count the compilations in this process so far."""
        return None

    def keeps_compiled(self) -> bool:
        """Return whether this process has compiled code that the framework keeps in a cache on disk."""
        return False

    def n_graph_breaks(self) -> int | None:
        """Count the places so far where a compiler left a part of the program to the interpreter."""
        return None

    def lowered_precision(self) -> list[str]:
        """Name the settings that allow less than float32 in a float32 matrix product."""
        return []

    def gpu_memory(self) -> dict[str, str] | None:
        """Return the settings that change how a GPU's memory is allocated; None: there are none."""
        return None

    def traffic(
        self,
        start: Callable[[], Any],
        epoch: Callable[[Any], object],
        device: Device,  # noqa: ARG002 - for overriding
        on_read: Callable[[], object] = lambda: None,  # noqa: ARG002 - for overriding
    ) -> Traffic:
        """Make a state, run an epoch from it, and count the epoch's uploads and readbacks.

        Call `on_read` just before each readback.
        """
        epoch(start())
        return Traffic()

    def writable(self, array: Any) -> Any:  # noqa: ANN401 - an array of any framework
        """Return the array, or a view of its memory, to be indexed and changed like one of NumPy."""
        return array

    def device_bytes(self, device: Device) -> int | None:  # noqa: ARG002 - for overriding
        """Return the size of all arrays that the framework has on the device now."""
        return None

    def n_graphs(self) -> int | None:
        """Count the parts of the loop that are compiled as a whole; None: each operation is one."""
        return None

    def n_operations(self, start: Callable[[], Any], epoch: Callable[[Any], Any]) -> int | None:  # noqa: ARG002 - for overriding
        """Make a state, run an epoch from it, and count the kinds of operation that Python starts."""
        return None

    def halving(self, sizes: Collection[int]) -> AbstractContextManager[object] | None:  # noqa: ARG002 - for overriding
        """Make a context in which each operation's result of one of these sizes is halved; None: it can't."""
        return None

    def forget_compiled(self) -> None:
        """Drop all compiled code of this process: the next first call finds only the cache on disk."""

    def peak_device_bytes(self, device: Device) -> int | None:  # noqa: ARG002 - for overriding
        """Return the peak of the device memory that the framework has allocated in this process."""
        return None


def observer_of(framework: str) -> FrameworkObserver:
    """Load the framework's `Observer`; without its file, nothing is observable."""
    name = f"benchmarks.worker.observe_{framework}"
    if not importlib.util.find_spec(name):
        return FrameworkObserver()
    observer: FrameworkObserver = importlib.import_module(name).Observer()
    return observer


@dataclass
class Calls:
    """Counts calls by a weight, each after `on_call`; calls inside of a counted call don't count again."""

    total: int = 0
    on_call: Callable[[], object] = lambda: None
    _is_inside: bool = False

    def counting(self, original: Callable[..., Any], weight: Callable[[Any], int]) -> Callable[..., Any]:
        """Wrap a function: each outermost call adds the weight of its first argument."""

        def call(value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
            if self._is_inside:
                return original(value, *args, **kwargs)
            n_counted = weight(value)
            self.total += n_counted
            self._is_inside = True
            try:
                if n_counted:
                    self.on_call()
                return original(value, *args, **kwargs)
            finally:
                self._is_inside = False

        return call


@contextmanager
def patched(replacements: Mapping[tuple[object, str], object]) -> Iterator[None]:
    """Replace attributes for the duration of the context."""
    before = [(owner, name, getattr(owner, name)) for owner, name in replacements]
    try:
        for (owner, name), new in replacements.items():
            setattr(owner, name, new)
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old)


def children_cpu_s() -> float:
    """Return the CPU time of ended child processes, for example of a compiler."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def other_frameworks(own: str) -> list[str]:
    """Name the frameworks that this process has loaded in addition to its own."""
    others = {"torch", "jax", "tensorflow", "mlx", "tinygrad"} - {own}
    return sorted(others & set(sys.modules))


def n_files(folder: str) -> int:
    """Count the files in a folder, however deep."""
    return sum(path.is_file() for path in Path(folder).rglob("*"))


def reset_peak_host() -> None:
    """Reset the peak of this process's memory, if the system can."""
    gc.collect()
    clear_peak_host()


def clear_peak_host() -> None:
    """Reset it, and leave garbage as it is."""
    with suppress(OSError):
        CLEAR_PEAK.write_text("5")


def peak_host_bytes() -> int | None:
    """Return the peak of this process's resident memory since the last reset; None if unknown."""
    return _status("VmHWM:")


def resident_host_bytes() -> int | None:
    """Return this process's resident memory now; None if unknown."""
    return _status("VmRSS:")


def _status(field: str) -> int | None:
    if not os.access(CLEAR_PEAK, os.W_OK):
        return None
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def floating_dtypes(value: object) -> set[str]:
    """Name the floating-point types of all arrays in a state or in placed batches."""
    names = {str(array.dtype).removeprefix("torch.") for array in arrays_in(value)}
    return {name for name in names if "float" in name or "complex" in name}


def arrays_in(value: Any) -> list[Any]:  # noqa: ANN401 - anything at all
    """Find the arrays and tensors of any framework, however nested."""
    found, seen, todo = [], set(), [value]
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type | ModuleType | None):
            continue
        seen.add(id(value))
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            found.append(value)
        elif hasattr(value, "state_dict"):  # a torch module or optimizer
            todo.append(value.state_dict())
        elif isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list | tuple | set):
            todo.extend(value)
        elif not callable(value):
            todo.extend(getattr(value, "__dict__", {}).values())
    return found
