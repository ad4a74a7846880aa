"""The fairness manifest: what was checked about each process.

An item that does not hold makes the row INVALID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.records.row import Check
from benchmarks.worker.precision import error_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.worker.messages import GpuReading, Inspection, Measurement, Timing
    from impls.contract import Problem


GPU_MEMORY = {"allocator": "default", "preallocation": "off", "unified memory": "off"}
"""What JAX's settings must say: preallocation would hide the peak, another allocator is another program."""


UNFINISHED_SHARE = 0.5
"""Of an epoch that may seem left undone when `run_epoch` returns; a loop that does not wait leaves epochs."""

DEFERRED_FACTOR = 5
"""An export that takes this many epochs' time, and more than the next, does what `run_epoch` left undone."""

EXPORT_S = 50e-6
"""What an export may take however short an epoch is: a few copies and calls."""

GRANULARITY_S = 5e-6
"""A difference of two exports that says nothing, however short an epoch is."""

CPU_SLACK = 1.1
"""CPU time over wall time that one core may show, for the clocks' granularity."""

COMPILER_S = 0.01
"""CPU time of child processes that is no compiler's."""


def manifest(
    entry: ImplementationFile, problem: Problem, measurement: Measurement, *, n_cores: int
) -> list[Check]:
    """Check all that one process shows besides its results (`agreement` compares those)."""
    items = [*_always(measurement, entry, n_cores)]
    if measurement.inspection is not None:
        items += inspected(measurement.inspection, problem, entry)
    if measurement.timing is not None:
        items += _timed(measurement.timing, n_cores)
    return items


def _always(measurement: Measurement, entry: ImplementationFile, n_cores: int) -> Iterator[Check]:
    yield Check(
        name="floating-point types of parameters, optimizer state, batches and losses",
        expected="float32",
        found=" and ".join(measurement.dtypes) or "none",
        holds=measurement.dtypes == ["float32"],
    )
    yield Check(
        name="other frameworks in the process",
        expected=f"none beside {entry.framework}",
        found=", ".join(measurement.other_frameworks) or "none",
        holds=not measurement.other_frameworks,
    )
    n_cpus = measurement.n_cpus_allowed
    yield Check(
        name="CPUs that its threads may run on",
        expected=f"{n_cores}",
        found=or_unseen(n_cpus, "{}"),
        holds=None if n_cpus is None else n_cpus <= n_cores,
    )


def _timed(timing: Timing, n_cores: int) -> Iterator[Check]:
    epoch_s = timing.summary.median_s
    # Work that goes on after the epoch delays an export right behind it, and not one after a pause.
    unfinished_s = timing.export_s - timing.paused_export_s
    finished = unfinished_s <= max(UNFINISHED_SHARE * epoch_s, GRANULARITY_S)
    remedy = "" if finished else ": run_epoch returned before the work was done; it must wait for the device"
    yield Check(
        name="waiting for the device",
        expected=f"an export right after an epoch takes at most {UNFINISHED_SHARE:g} epochs longer than one "
        "after a pause",
        found=f"{unfinished_s * 1e6:.0f} µs longer, an epoch being {epoch_s * 1e6:.0f} µs{remedy}",
        holds=finished,
    )
    # A lazy framework that computes only when asked for the result leaves the work to the export.
    deferred = timing.paused_export_s > max(DEFERRED_FACTOR * epoch_s, EXPORT_S)
    yield Check(
        name="work done within the epoch",
        expected=f"an export takes at most {DEFERRED_FACTOR} epochs' time, or {EXPORT_S * 1e6:.0f} µs",
        found=f"{timing.paused_export_s * 1e6:.0f} µs, an epoch being {epoch_s * 1e6:.0f} µs"
        + (": run_epoch left the work to export" if deferred else ""),
        holds=not deferred,
    )
    yield count("compilations while timed", 0, timing.n_compilations)
    yield Check(
        name="CPU time of other programs started while timed",
        expected="none",
        found=f"{timing.children_cpu_s:.2f} s",
        holds=timing.children_cpu_s < COMPILER_S,
    )
    yield Check(
        name="CPU time over wall time",
        expected=f"at most {n_cores} core{'s' * (n_cores > 1)}",
        found=f"{timing.cpu_per_wall:.2f} cores",
        holds=timing.cpu_per_wall <= n_cores * CPU_SLACK,
    )
    if timing.gpu is not None:
        yield _gpu(timing.gpu)


def _gpu(gpu: GpuReading) -> Check:
    clocks = f"streaming multiprocessors at {gpu.sm_clock_mhz} MHz, memory at {gpu.memory_clock_mhz} MHz"
    return Check(
        name="GPU clocks",
        expected="not throttled",
        found=", ".join([clocks, *gpu.throttled_by]),
        holds=not gpu.throttled_by,
    )


def count(name: str, expected: int, found: int | None) -> Check:
    """Check a number that must be just so; None is one that is not to be seen."""
    holds = None if found is None else found == expected
    return Check(name=name, expected=str(expected), found=or_unseen(found, "{}"), holds=holds)


def or_unseen(value: float | None, form: str) -> str:
    """Write a figure in the given form, if there is one."""
    return "not to be seen" if value is None else form.format(value)


def inspected(seen: Inspection, problem: Problem, entry: ImplementationFile) -> Iterator[Check]:
    """Check what that process saw."""
    yield _products(seen, problem)
    if seen.gpu_memory is not None:
        yield _gpu_memory(seen.gpu_memory)
    yield count("graph breaks", 0, seen.n_graph_breaks)
    yield Check(
        name="batches in host memory when the epoch begins",
        expected="all" if problem.feed == "host" else "none: they lie on the device",
        found=f"{seen.n_host_arrays} arrays of NumPy",
        holds=None if entry.framework == "numpy" or problem.feed == "host" else seen.n_host_arrays == 0,
    )
    yield _uploads(seen.uploaded_bytes, problem)
    yield count(
        "readbacks in an epoch", problem.n_batches if problem.readback == "step" else 0, seen.n_readbacks
    )
    if entry.cuda_graph:
        launches = seen.n_graph_launches
        yield Check(
            name="launches of a captured CUDA graph in an epoch",
            expected="at least 1",
            found=or_unseen(launches, "{}"),
            holds=None
            if seen.n_graph_launches is None or not (launches or seen.n_kernel_launches)
            else bool(launches),
        )
    kernels = or_unseen(seen.n_kernel_launches, "{}")
    yield Check(name="kernels launched one by one in an epoch", expected="any", found=kernels, holds=None)
    in_place = "updated in place" if seen.in_place else "given anew by each epoch"
    yield Check(name="state", expected="either way", found=in_place, holds=None)


def _products(seen: Inspection, problem: Problem) -> Check:
    low, high = error_range(problem.precision)
    errors = {"forward": seen.forward_error, "backward": seen.backward_error}
    # Below float32 a setting must be lowered; the products tell whether it is the right one.
    amiss = seen.lowered_precision if problem.precision == "float32" else []
    found = [f"{or_unseen(error, '{:.1e}')} {way}" for way, error in errors.items()]
    return Check(
        name="precision of the two matrix products",
        expected=f"{problem.precision}: relative errors from {low:.2g} to {high:.2g}",
        found="; ".join([", ".join(found), *amiss]),
        holds=not amiss and all(error is not None and low <= error <= high for error in errors.values()),
    )


def _gpu_memory(settings: dict[str, str]) -> Check:
    expected, found = (
        ", ".join(f"{name} {setting}" for name, setting in each.items()) for each in (GPU_MEMORY, settings)
    )
    return Check(
        name="how a GPU's memory is taken", expected=expected, found=found, holds=settings == GPU_MEMORY
    )


def _uploads(uploaded_bytes: int | None, problem: Problem) -> Check:
    from_host = problem.feed == "host"
    if from_host and not uploaded_bytes:
        uploaded_bytes = None  # handed over in a way that is not to be seen
    most_bytes = 4 * problem.samples_per_epoch * (problem.n_features + 1) if from_host else 0
    return Check(
        name="bytes handed to the device in an epoch",
        expected=f"at most {most_bytes:,}, each batch once" if from_host else "0",
        found=or_unseen(uploaded_bytes, "{:,}"),
        holds=None if uploaded_bytes is None else uploaded_bytes <= most_bytes,
    )
