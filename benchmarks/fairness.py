"""Checks, for each process, that what was timed is what the case says; a fault makes the row INVALID."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.job import Measurement, Timing

UNFINISHED_SHARE = 0.5
"""Of an epoch that may seem left undone when `run_epoch` returns; a loop that does not wait leaves epochs."""

DEFERRED_FACTOR = 5
"""An export that takes this many epochs' time does the work that `run_epoch` only wrote down."""

CPU_SLACK = 1.1
"""CPU time over wall time that one core may show, for the clocks' granularity."""

STARVED = 0.9
"""A process on a CPU that got less of its core than this shared it with another."""


def faults(measurement: Measurement, *, n_cores: int) -> list[str]:
    """Say what was unfair about the process; an empty list where nothing was."""
    timing = measurement.timing
    found = [_other_precision(measurement)]
    if timing is not None:
        found += [_unfinished(timing), _deferred(timing), _too_many_cores(timing, n_cores)]
    return [fault for fault in found if fault]


def _other_precision(measurement: Measurement) -> str | None:
    if measurement.dtypes == ["float32"]:
        return None
    return f"computed in {' and '.join(measurement.dtypes)}, expected float32"


def _unfinished(timing: Timing) -> str | None:
    """Work that goes on after the epoch delays an export right behind it, and not one after a pause."""
    epoch_s = timing.summary.median_s
    unfinished_s = timing.export_s - timing.paused_export_s
    if unfinished_s <= UNFINISHED_SHARE * epoch_s:
        return None
    return (
        "run_epoch returned before the work was done: an export right after it took "
        f"{unfinished_s * 1e6:.0f} µs longer than one after a pause, the epoch itself "
        f"{epoch_s * 1e6:.0f} µs; its last line must wait for the device"
    )


def _deferred(timing: Timing) -> str | None:
    """A lazy framework that computes only when asked for the result leaves the work to the export."""
    epoch_s = timing.summary.median_s
    if timing.paused_export_s <= DEFERRED_FACTOR * epoch_s:
        return None
    return (
        f"run_epoch left the work to export, which took {timing.paused_export_s * 1e6:.0f} µs against "
        f"the epoch's {epoch_s * 1e6:.0f} µs"
    )


def _too_many_cores(timing: Timing, n_cores: int) -> str | None:
    if timing.cpu_per_wall <= n_cores * CPU_SLACK:
        return None
    return f"used {timing.cpu_per_wall:.2f} cores, expected at most {n_cores}"
