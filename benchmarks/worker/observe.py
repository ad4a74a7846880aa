"""What a worker can see of a framework's doings besides the results: each framework's own file tells how.

A framework without a file `observe_NAME.py` is measured all the same; what its file would tell is then
recorded as not observed.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import resource
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from impls.contract import Device

CLEAR_PEAK = Path("/proc/self/clear_refs")  # Linux: writing 5 there sets the peak to the present
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What crossed between host and device in one epoch; None: not to be seen."""

    n_readbacks: int | None = None
    uploaded_bytes: int | None = None
    n_graph_launches: int | None = None  # of CUDA graphs
    n_kernel_launches: int | None = None  # outside of them


class Observer(Protocol):
    """A framework's file. None where something is not to be seen."""

    def n_compilations(self) -> int | None:
        """Count the compilations in this process so far."""

    def n_graph_breaks(self) -> int | None:
        """Count the places so far where a compiler gave a piece of the program back to the interpreter."""

    def lowered_precision(self) -> list[str]:
        """Name the settings that allow less than float32 in a float32 matrix product."""

    def gpu_memory(self) -> dict[str, str] | None:
        """Say how a GPU's memory is taken, as far as settings change that; None: nothing to tell."""

    def traffic(self, start: Callable[[], Any], epoch: Callable[[Any], object], device: Device) -> Traffic:
        """Make a state, run an epoch from it, and count what that hands over and reads back."""

    def forget_compiled(self) -> None:
        """Drop what is compiled in this process, so that the next first call has at most the disk's help."""

    def peak_device_bytes(self, device: Device) -> int | None:
        """Give the peak of the device memory that the framework has handed out."""


_BLIND = SimpleNamespace(
    n_compilations=lambda: None,
    n_graph_breaks=lambda: None,
    lowered_precision=list,
    gpu_memory=lambda: None,
    traffic=lambda start, epoch, _: (epoch(start()), Traffic())[1],
    forget_compiled=lambda: None,
    peak_device_bytes=lambda _: None,
)


def observer_of(framework: str) -> Observer:
    """Load the framework's file, if there is one."""
    name = f"benchmarks.worker.observe_{framework}"
    if not importlib.util.find_spec(name):
        return cast("Observer", _BLIND)
    return cast("Observer", importlib.import_module(name))


@contextmanager
def patched(replacements: Mapping[tuple[object, str], object]) -> Iterator[None]:
    """Put other attributes in place, for a while."""
    before = [(owner, name, getattr(owner, name)) for owner, name in replacements]
    try:
        for (owner, name), new in replacements.items():
            setattr(owner, name, new)
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old)


def n_cpus_allowed() -> int | None:
    """Count the CPUs that some thread of this process may run on; None where the system doesn't tell."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return None
    allowed: set[int] = set()
    for task in tasks.iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            allowed |= os.sched_getaffinity(int(task.name))
    return len(allowed)


def children_cpu_s() -> float:
    """Give the CPU time of ended child processes: a compiler's, for example."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def other_frameworks(own: str) -> list[str]:
    """Name the frameworks that this process has loaded besides its own."""
    rivals = {"torch", "jax", "tensorflow", "mlx", "tinygrad"} - {own}
    return sorted(rivals & set(sys.modules))


def reset_peak_host() -> None:
    """Forget the peak of this process's memory so far, where the system can."""
    gc.collect()
    try:
        CLEAR_PEAK.write_text("5")
    except OSError:
        return


def peak_host_bytes() -> int | None:
    """Give the peak of this process's resident memory since the last reset; None where that is unknown."""
    return _status("VmHWM:")


def resident_host_bytes() -> int | None:
    """Give this process's resident memory now; None where that is unknown."""
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
    """Find the arrays and tensors of whichever framework, however nested."""
    found, seen, todo = [], set(), [value]
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
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
