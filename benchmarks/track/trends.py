"""Records over time → one trend per case, control and machine, of the statistic that gates.

That statistic is the one of the tables: each process's fastest epoch, as the ratio to the control's in the
same round of the same run, and of these the median over the rounds. What slows the whole machine for a while
slows case and control alike and drops out, so that runs of different days can be compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.cases.implementations import FLOOR
from benchmarks.records.machine import Hardware
from benchmarks.records.process import paired_min_s
from benchmarks.stats import speedup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from benchmarks.stats import Ratio
    from benchmarks.track.history import Record


@dataclass(frozen=True, kw_only=True)
class Point:
    """One case in one run, held against its control."""

    record: Record
    row: Row
    control: Row
    fastest_s: tuple[
        tuple[float, float], ...
    ]  # of the case and of the control, in each round in which both ran

    @property
    def n_rounds(self) -> int:
        """Count the rounds in which both ran."""
        return len(self.fastest_s)

    @property
    def log_ratio(self) -> float:
        """Give the logarithm of the ratio of the case's time to the control's: larger is slower."""
        return median(math.log(case_s / control_s) for case_s, control_s in self.fastest_s)

    @cached_property
    def ratio(self) -> Ratio:
        """Give the ratio with its 95 % confidence interval (which takes a millisecond)."""
        return speedup(*zip(*self.fastest_s, strict=True))  # how many times faster the control is

    @property
    def min_s(self) -> float:
        """Give the median over the rounds of each process's fastest epoch."""
        return median(process.min_s for process in self.row.processes)

    @property
    def control_min_s(self) -> float:
        """Give the same of the control."""
        return median(process.min_s for process in self.control.processes)


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One case over time, oldest run first: on one machine, against one control."""

    case: str
    control: str
    machine: Hardware
    points: tuple[Point, ...]


def points_of(record: Record, control: str | None = None) -> list[Point]:
    """Hold each timed row of a run against its control; one without a control in its group is left out."""
    groups: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in record.run.rows:
        if row.is_timed:
            groups[row.group][row.implementation] = row
    names = (control,) if control else (FLOOR, record.run.settings.baseline)
    return [
        Point(record=record, row=row, control=held, fastest_s=fastest_s)
        for group in groups.values()
        if (held := next((group[name] for name in names if name in group), None))
        for row in group.values()
        if row is not held and (fastest_s := tuple(paired_min_s(row.processes, held.processes)))
    ]


def trends_of(records: Iterable[Record], control: str | None = None) -> list[Trend]:
    """Make the trends of all cases in these records, which come oldest first.

    The control is the one named, or the native floor where a run has it for the case's problem and device,
    or else the run's baseline. A case that was held against several has a trend for each.
    """
    series: dict[tuple[Hardware, str, str], list[Point]] = defaultdict(list)
    for record in records:
        machine = Hardware.of(record.run)
        for point in points_of(record, control):
            series[machine, point.control.implementation, point.row.case].append(point)
    return [
        Trend(case=case, control=held, machine=machine, points=tuple(_once(series[machine, held, case])))
        for machine, held, case in sorted(series)
    ]


def _once(points: Sequence[Point]) -> Iterator[Point]:
    """Leave out a run that was cut short where a later one went on with it, and so holds all it had."""
    for i, point in enumerate(points):
        later = (other.row.processes for other in points[i + 1 :])
        is_held = any(set(point.row.processes) <= set(processes) for processes in later)
        if not (is_held and _was_cut_short(point.record.run)):
            yield point


def _was_cut_short(run: Run) -> bool:
    n_rounds = run.settings.rounds
    return bool(run.settings.interrupted) or any(r.is_timed and len(r.processes) < n_rounds for r in run.rows)


def differences(before: Point, after: Point) -> list[str]:
    """Say what the records of two runs tell apart: commit, versions, system, settings, data."""
    old, new = before.record.run.provenance, after.record.run.provenance
    pairs = [
        ("commit", old.commit, new.commit),
        ("commit of the implementations", old.commit_elsewhere, new.commit_elsewhere),
        *_by_name(old.versions, new.versions),
        ("system", old.system, new.system),
        ("machine", old.machine, new.machine),
        ("GPU", old.gpu, new.gpu),
        *_by_name(old.worker_variables, new.worker_variables),
        ("digest of the data", before.row.data_digest, after.row.data_digest),
    ]
    return [f"{name} {was or 'none'} → {is_ or 'none'}" for name, was, is_ in pairs if was != is_]


def _by_name(old: dict[str, str], new: dict[str, str]) -> Sequence[tuple[str, str | None, str | None]]:
    return [(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
