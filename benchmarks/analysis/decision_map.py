"""Which implementation finishes a training first, by batch size and number of epochs, compilation included.

A training takes first call + (n_epochs - 1) · epoch, because the first call is an epoch too. Both terms come
from a run's sweep over batch sizes; between measured sizes they are interpolated, linearly in the logarithms.
Beyond the measured sizes the map is empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.analysis.cost_model import sweeps_of
from benchmarks.analysis.gradient import YARDSTICK
from benchmarks.records.row import Row
from impls.contract import Device, Problem

Caches: TypeAlias = Literal["cold", "warm"]


def _first_call_s(row: Row, caches: Caches) -> float | None:
    if caches == "cold":
        return row.costs.cold_first_call_s if row.costs else None
    return row.first_call_s


@dataclass(frozen=True, kw_only=True)
class Way:
    """One implementation's costs at the batch sizes that were measured, ascending."""

    row: Row  # one of the sweep's, for what all of them share
    batch_sizes: tuple[int, ...]
    first_s: tuple[float, ...]  # the first call, compilation included
    epoch_s: tuple[float, ...]  # each other one

    @classmethod
    def of(cls, rows: Sequence[Row], caches: Caches) -> Way:
        """Collect the costs of a sweep's rows, as far as they have a first call with such caches."""
        calls = [(row, _first_call_s(row, caches)) for row in rows]
        known = [(row, first_s) for row, first_s in calls if first_s is not None]
        return cls(
            row=rows[0],
            batch_sizes=tuple(row.problem.batch_size for row, _ in known),
            first_s=tuple(first_s for _, first_s in known),
            epoch_s=tuple(row.typical_s for row, _ in known),
        )

    @property
    def implementation(self) -> str:
        """Return the implementation's name."""
        return self.row.implementation

    def costs_s(self, batch_size: float) -> tuple[float, float]:
        """Return the first call and each later epoch, in s; infinite beyond the measured batch sizes."""
        if not self.batch_sizes or not self.batch_sizes[0] <= batch_size <= self.batch_sizes[-1]:
            return math.inf, math.inf
        if batch_size in self.batch_sizes:  # exactly: the last digit of a logarithm depends on the processor
            i = self.batch_sizes.index(batch_size)
            return self.first_s[i], self.epoch_s[i]
        sizes, firsts, epochs = self._logs
        size = math.log(batch_size)
        return math.exp(np.interp(size, sizes, firsts)), math.exp(np.interp(size, sizes, epochs))

    @cached_property
    def _logs(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        return np.log(self.batch_sizes), np.log(self.first_s), np.log(self.epoch_s)

    def total_s(self, batch_size: float, n_epochs: float) -> float:
        """Return the time of a training, in s."""
        first_s, epoch_s = self.costs_s(batch_size)
        return first_s + (n_epochs - 1) * epoch_s


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The numbers of epochs for which one implementation finishes first, at one batch size."""

    implementation: str
    begin: float  # where it equals the one before; not a whole number
    end: float  # infinite for the last stretch


@dataclass(frozen=True, kw_only=True)
class DecisionMap:
    """The implementations to choose from on one device; batch size and number of epochs are open."""

    problem: Problem  # one of the sweep's, for what all of them share
    title: str  # the problem's name, without its batch size
    device: Device
    caches: Caches
    ways: tuple[Way, ...]

    @property
    def place(self) -> str:
        """Name the device, the ranks and the cores: "cpu", "cpu, 2 ranks", "cpu, 2 cores"."""
        return self.ways[0].row.place

    @property
    def range(self) -> tuple[int, int]:
        """Return the smallest and the largest batch size that was measured."""
        sizes = [size for way in self.ways for size in way.batch_sizes]
        return min(sizes), max(sizes)

    def stretches(self, batch_size: float) -> list[Stretch]:
        """Return which implementation finishes first, from the shortest training to the longest.

        This is the lower envelope of straight lines: after each line comes the one that it meets first. It is
        empty beyond the measured batch sizes.
        """
        costs_s = {way.implementation: way.costs_s(batch_size) for way in self.ways}
        winner = min(costs_s, key=lambda name: costs_s[name])
        if math.isinf(costs_s[winner][0]):
            return []
        found, begin = [], 1.0
        while math.isfinite(begin):
            meetings = {name: _meeting(costs_s[winner], costs_s[name]) for name in costs_s}
            following = min(meetings, key=lambda name: (meetings[name], costs_s[name][1]))
            end = max(begin, meetings[following])
            if end > begin:
                found.append(Stretch(implementation=winner, begin=begin, end=end))
            winner, begin = following, end
        return found

    def winner(self, batch_size: float, n_epochs: float) -> str | None:
        """Return the implementation that finishes first; None beyond the measured batch sizes."""
        stretches = self.stretches(batch_size)
        return next((each.implementation for each in stretches if n_epochs < each.end), None)


def decision_maps(rows: Sequence[Row]) -> list[DecisionMap]:
    """Make a map for cold and one for warm caches of each sweep over batch sizes among the rows."""
    choices = [row for row in rows if row.framework != YARDSTICK]
    found = []
    for (title, _), group in groupby(sweeps_of(choices), key=lambda sweep: (sweep.problem, sweep.place)):
        sweeps = list(group)
        for caches in get_args(Caches):
            ways = [Way.of(sweep.rows, caches) for sweep in sweeps]
            if known := tuple(way for way in ways if way.batch_sizes):
                row = known[0].row
                found.append(
                    DecisionMap(
                        problem=row.problem, title=title, device=row.device, caches=caches, ways=known
                    )
                )
    return found


def _meeting(now: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the number of epochs from which `other` finishes sooner; each is (first call, epoch) in s."""
    (now_first_s, now_epoch_s), (first_s, epoch_s) = now, other
    if epoch_s >= now_epoch_s:
        return math.inf
    return 1 + (first_s - now_first_s) / (now_epoch_s - epoch_s)
