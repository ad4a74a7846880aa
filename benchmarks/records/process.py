"""What one fresh process measured, and two sides' processes of the same rounds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from benchmarks.decode import Within

Seconds: TypeAlias = Annotated[float, Within(1e-12, 1e9)]
Instructions: TypeAlias = Annotated[float, Within(1, 1e18)]
Bytes: TypeAlias = Annotated[int, Within(0, 2**60)]
SignedBytes: TypeAlias = Annotated[int, Within(-(2**60), 2**60)]
Joules: TypeAlias = Annotated[float, Within(0, 1e12)]
Watts: TypeAlias = Annotated[float, Within(0, 1e9)]
Cores: TypeAlias = Annotated[float, Within(0, 1e6)]
Count: TypeAlias = Annotated[int, Within(0, 2**53)]
"""A figure beyond such bounds was not measured, and would overflow."""


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """One process's figures in one round. Times in seconds per epoch."""

    round: Count
    position: Count  # in the round's shuffled order, from 0
    n_samples: Annotated[int, Within(1, 2**53)]
    n_kept: Count  # number of the benchmark's `stats.data` that are this process's, in the order of processes
    min_s: Seconds
    q1_s: Seconds
    median_s: Seconds
    q3_s: Seconds
    max_s: Seconds
    first_call_s: Seconds | None  # with a warm disk cache; None: the disk caches were empty
    cpu_per_wall: Cores
    marginal_s: Seconds | None = None  # an epoch's cost in trainings on unseen data; None: not recorded
    mean_s: Seconds | None = None  # no verdict about speed uses it; None: not recorded
    n_instructions: Instructions | None = None  # of an epoch, under valgrind; None: not counted
    power_w: Watts | None = None  # the mean of the whole device while trainings were timed; None: not metered
    epoch_energy_j: Joules | None = None  # overstated, in earlier records only: it is not shown

    def __post_init__(self) -> None:
        """Refuse times that do not ascend, a mean beyond them, and more samples than were taken."""
        if not self.min_s <= self.q1_s <= self.median_s <= self.q3_s <= self.max_s:
            times_s = (self.min_s, self.q1_s, self.median_s, self.q3_s, self.max_s)
            message = f"expected min_s, q1_s, median_s, q3_s, max_s to ascend, found {times_s}"
            raise ValueError(message)
        if self.n_kept > self.n_samples:
            message = f"n_kept: expected at most n_samples ({self.n_samples}), found {self.n_kept}"
            raise ValueError(message)
        rounding = 1e-9  # of a mean
        if self.mean_s and not self.min_s * (1 - rounding) <= self.mean_s <= self.max_s * (1 + rounding):
            message = f"mean_s: expected a time between min_s and max_s, found {self.mean_s}"
            raise ValueError(message)

    @property
    def cost(self) -> float:
        """Return the figure by which two sides are compared: instructions if counted, else seconds."""
        return self.min_s if self.n_instructions is None else self.n_instructions


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Other costs of a case, from the process that inspects it, the first one."""

    cold_first_call_s: Seconds  # with empty disk caches
    peak_host_bytes: SignedBytes | None  # above the implementation loaded but not run; may be negative
    peak_device_bytes: Bytes | None  # None: unknown


def paired_min_s(one: Iterable[ProcessResult], other: Iterable[ProcessResult]) -> list[tuple[float, float]]:
    """Return both sides' fastest epochs of each round in which both ran, in s, in the other's order."""
    return _paired(one, other, lambda process: process.min_s)


def paired_median_s(
    one: Iterable[ProcessResult], other: Iterable[ProcessResult]
) -> list[tuple[float, float]]:
    """Return both sides' median epochs of the same rounds."""
    return _paired(one, other, lambda process: process.median_s)


def paired_ratios(base: Iterable[ProcessResult], new: Iterable[ProcessResult]) -> list[float]:
    """Return new / base of each round in which both ran."""
    return [new_cost / base_cost for base_cost, new_cost in _paired(base, new, lambda process: process.cost)]


def _paired(
    one: Iterable[ProcessResult], other: Iterable[ProcessResult], figure: Callable[[ProcessResult], float]
) -> list[tuple[float, float]]:
    of_one = {process.round: figure(process) for process in one}
    return [(of_one[process.round], figure(process)) for process in other if process.round in of_one]
