"""The fairness manifest: what was checked about each process.

An item that does not hold makes the row INVALID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.verify.inspected import inspected
from benchmarks.verify.item import Item, count, or_unseen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases.implementations import Entry
    from benchmarks.worker.gpu import GpuReading
    from benchmarks.worker.messages import Measurement, Timing
    from impls.contract import Problem

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


def manifest(entry: Entry, problem: Problem, measurement: Measurement, *, n_cores: int) -> list[Item]:
    """Check all that one process shows besides its results (those are benchmarks.verify.agreement's business)."""
    items = [*_always(measurement, entry, n_cores)]
    if measurement.inspection is not None:
        items += inspected(measurement.inspection, problem, entry)
    if measurement.timing is not None:
        items += _timed(measurement.timing, n_cores)
    return items


def _always(measurement: Measurement, entry: Entry, n_cores: int) -> Iterator[Item]:
    yield Item(
        name="floating-point types of parameters, optimizer state, batches and losses",
        expected="float32",
        found=" and ".join(measurement.dtypes) or "none",
        holds=measurement.dtypes == ["float32"],
    )
    yield Item(
        name="other frameworks in the process",
        expected=f"none beside {entry.framework}",
        found=", ".join(measurement.other_frameworks) or "none",
        holds=not measurement.other_frameworks,
    )
    n_cpus = measurement.n_cpus_allowed
    yield Item(
        name="CPUs that its threads may run on",
        expected=f"{n_cores}",
        found=or_unseen(n_cpus, "{}"),
        holds=None if n_cpus is None else n_cpus <= n_cores,
    )


def _timed(timing: Timing, n_cores: int) -> Iterator[Item]:
    epoch_s = timing.summary.median_s
    # Work that goes on after the epoch delays an export right behind it, and not one after a pause.
    unfinished_s = timing.export_s - timing.paused_export_s
    finished = unfinished_s <= max(UNFINISHED_SHARE * epoch_s, GRANULARITY_S)
    remedy = "" if finished else ": run_epoch returned before the work was done; it must wait for the device"
    yield Item(
        name="waiting for the device",
        expected=f"an export right after an epoch takes at most {UNFINISHED_SHARE:g} epochs longer than one "
        "after a pause",
        found=f"{unfinished_s * 1e6:.0f} µs longer, an epoch being {epoch_s * 1e6:.0f} µs{remedy}",
        holds=finished,
    )
    # A lazy framework that computes only when asked for the result leaves the work to the export.
    deferred = timing.paused_export_s > max(DEFERRED_FACTOR * epoch_s, EXPORT_S)
    yield Item(
        name="work done within the epoch",
        expected=f"an export takes at most {DEFERRED_FACTOR} epochs' time, or {EXPORT_S * 1e6:.0f} µs",
        found=f"{timing.paused_export_s * 1e6:.0f} µs, an epoch being {epoch_s * 1e6:.0f} µs"
        + (": run_epoch left the work to export" if deferred else ""),
        holds=not deferred,
    )
    yield count("compilations while timed", 0, timing.n_compilations)
    yield Item(
        name="CPU time of other programs started while timed",
        expected="none",
        found=f"{timing.children_cpu_s:.2f} s",
        holds=timing.children_cpu_s < COMPILER_S,
    )
    yield Item(
        name="CPU time over wall time",
        expected=f"at most {n_cores} core{'s' * (n_cores > 1)}",
        found=f"{timing.cpu_per_wall:.2f} cores",
        holds=timing.cpu_per_wall <= n_cores * CPU_SLACK,
    )
    if timing.gpu is not None:
        yield _gpu(timing.gpu)


def _gpu(gpu: GpuReading) -> Item:
    clocks = f"streaming multiprocessors at {gpu.sm_clock_mhz} MHz, memory at {gpu.memory_clock_mhz} MHz"
    return Item(
        name="GPU clocks",
        expected="not throttled",
        found=", ".join([clocks, *gpu.throttled_by]),
        holds=not gpu.throttled_by,
    )
