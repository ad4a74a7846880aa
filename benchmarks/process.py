"""What one fresh process measured, as it stands in the record; two sides' processes of the same rounds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from benchmarks.typed import require_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.job import Timing

TIMES_S = (1e-12, 1e9)
INSTRUCTIONS = (1, 1e18)
BYTES = (0, 2**60)
"""The least and the most that a figure can be: what lies beyond was not measured, and would overflow."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One round: what one fresh process measured. Times in seconds per epoch."""

    round: int
    position: int  # in the round's shuffled order, from 0
    n_samples: int
    n_kept: int  # how many of the benchmark's `stats.data` are this process's, in the order of processes
    min_s: float
    q1_s: float
    median_s: float
    q3_s: float
    max_s: float
    first_call_s: float  # with a warm disk cache
    cpu_per_wall: float
    epoch_energy_j: float | None  # of the whole GPU, in J per epoch; None: on a CPU, or not metered
    mean_s: float | None = None  # nothing here is judged by it; None: of a record older than it
    n_instructions: float | None = None  # of an epoch; None: not counted, else the times are valgrind's

    def __post_init__(self) -> None:
        """Refuse what a record that was edited by hand may hold."""
        for name, value in vars(self).items():
            if value is None and name in OPTIONAL:
                continue
            if not isinstance(value, (int, float)) or not math.isfinite(value):
                message = f"{name}: expected a number, found {value!r}"
                raise TypeError(message)
            if bounds := BOUNDS.get(name):
                _require_within(name, value, bounds)

    @property
    def cost(self) -> float:
        """Give what one side's processes are held against the other's by: instructions, or else s."""
        return self.min_s if self.n_instructions is None else self.n_instructions

    @classmethod
    def of(cls, timing: Timing, *, first_call_s: float, round_: int, position: int) -> Process:
        """Take a worker's figures, all but the samples."""
        figures = asdict(timing.summary)
        return cls(
            round=round_,
            position=position,
            n_kept=len(figures.pop("kept_s")),
            first_call_s=first_call_s,
            cpu_per_wall=timing.cpu_per_wall,
            epoch_energy_j=timing.gpu.epoch_energy_j if timing.gpu else None,
            n_instructions=timing.n_instructions,
            **figures,
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Process:
        """Read what `asdict` gave."""
        process = cls(**fields)
        names = ("min_s", "q1_s", "median_s", "q3_s", "max_s")
        times_s = [getattr(process, name) for name in names]
        if times_s != sorted(times_s):
            message = f"expected {', '.join(names)} to ascend, found {', '.join(map(str, times_s))}"
            raise ValueError(message)
        return process


OPTIONAL = {"epoch_energy_j", "mean_s", "n_instructions"}
BOUNDS = {field.name: TIMES_S for field in fields(Process) if field.name.endswith("_s")}
BOUNDS["n_instructions"] = INSTRUCTIONS


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a row costs besides time per epoch, from the process that looked instead of timing."""

    cold_first_call_s: float  # with empty disk caches
    peak_host_bytes: int | None  # above what the process held once the implementation was loaded; may be less
    peak_device_bytes: int | None  # None: not to be seen

    def __post_init__(self) -> None:
        """Refuse what a record that was edited by hand may hold."""
        require_types(self)
        _require_within("cold_first_call_s", self.cold_first_call_s, TIMES_S)
        _require_within("peak_host_bytes", abs(self.peak_host_bytes or 0), BYTES)
        _require_within("peak_device_bytes", self.peak_device_bytes or 0, BYTES)


def _require_within(name: str, value: float, bounds: tuple[float, float]) -> None:
    least, most = bounds
    if not least <= value <= most:
        message = f"{name}: expected from {least:g} to {most:g}, found {value!r}"
        raise ValueError(message)


def paired_min_s(one: Iterable[Process], other: Iterable[Process]) -> list[tuple[float, float]]:
    """Give both sides' fastest epochs of each round in which both ran, in s, in the other's order."""
    return _paired(one, other, lambda process: process.min_s)


def paired_median_s(one: Iterable[Process], other: Iterable[Process]) -> list[tuple[float, float]]:
    """Give both sides' median epochs likewise."""
    return _paired(one, other, lambda process: process.median_s)


def paired_ratios(base: Iterable[Process], new: Iterable[Process]) -> list[float]:
    """Give new / base of each round in which both ran."""
    return [new_cost / base_cost for base_cost, new_cost in _paired(base, new, lambda process: process.cost)]


def _paired(
    one: Iterable[Process], other: Iterable[Process], figure: Callable[[Process], float]
) -> list[tuple[float, float]]:
    of_one = {process.round: figure(process) for process in one}
    return [(of_one[process.round], figure(process)) for process in other if process.round in of_one]
