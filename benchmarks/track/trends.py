"""Records over time → one trend per case, baseline and machine, of the statistic that gates.

That statistic is the one of the tables: each process's fastest epoch, as the ratio to the baseline's in the
same round of the same run, and the median of these ratios over the rounds. A disturbance of the whole machine
slows case and baseline alike and cancels out, so that runs of different days can be compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from benchmarks.cases.implementations import FLOOR
from benchmarks.records.machine import Hardware
from benchmarks.records.process import paired_min_s
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.stats import Ratio, speedup
from benchmarks.track.history import Record


@dataclass(frozen=True, kw_only=True)
class Point:
    """One case in one run, compared with its baseline."""

    record: Record
    row: Row
    baseline: Row
    fastest_s: tuple[tuple[float, float], ...]  # of the case and the baseline, in each round with both

    @property
    def n_rounds(self) -> int:
        """Number of rounds in which both ran."""
        return len(self.fastest_s)

    @cached_property
    def ratio(self) -> Ratio:
        """Return the case's time over the baseline's, with its 95 % confidence interval; larger is slower."""
        return speedup(*zip(*self.fastest_s, strict=True))  # how many times faster the baseline is

    @property
    def min_s(self) -> float:
        """Return the median over the rounds of each process's fastest epoch."""
        return median(process.min_s for process in self.row.processes)

    @property
    def baseline_min_s(self) -> float:
        """Return the same of the baseline."""
        return median(process.min_s for process in self.baseline.processes)


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One case over time, oldest run first: on one machine, against one baseline."""

    case: str
    baseline: str
    machine: Hardware
    points: tuple[Point, ...]


def points_of(record: Record, baseline: str | None = None) -> list[Point]:
    """Compare each timed row of a run with its baseline, and leave out a row without one in its group."""
    groups: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in record.run.rows:
        if row.is_timed:
            groups[row.group][row.implementation] = row
    names = (baseline,) if baseline else (FLOOR, record.run.settings.baseline)
    return [
        Point(record=record, row=row, baseline=found, fastest_s=fastest_s)
        for group in groups.values()
        if (found := next((group[name] for name in names if name in group), None))
        for row in group.values()
        if row is not found and (fastest_s := tuple(paired_min_s(row.processes, found.processes)))
    ]


def trends_of(records: Iterable[Record], baseline: str | None = None) -> list[Trend]:
    """Make the trends of all cases in these records, which come oldest first.

    The baseline is the given one, else the native floor if a run has it for the case's problem and device,
    else the one that the run was given. A case with several baselines has a trend for each.
    """
    series: dict[tuple[Hardware, str, str], list[Point]] = defaultdict(list)
    for record in records:
        machine = Hardware.of(record.run)
        for point in points_of(record, baseline):
            series[machine, point.baseline.implementation, point.row.case].append(point)
    return [
        Trend(case=case, baseline=name, machine=machine, points=tuple(_once(series[machine, name, case])))
        for machine, name, case in sorted(series)
    ]


def _once(points: Sequence[Point]) -> Iterator[Point]:
    """Leave out a run that was interrupted if a later run resumed it, and so contains its processes."""
    for i, point in enumerate(points):
        later = (other.row.processes for other in points[i + 1 :])
        is_contained = any(set(point.row.processes) <= set(processes) for processes in later)
        if not (is_contained and _was_interrupted(point.record.run)):
            yield point


def _was_interrupted(run: Run) -> bool:
    n_rounds = run.settings.rounds
    return bool(run.settings.interrupted) or any(r.is_timed and len(r.processes) < n_rounds for r in run.rows)


def differences(before: Point, after: Point) -> list[str]:
    """Describe how the records of two runs differ: commit, versions, system, settings, data."""
    old, new = before.record.run.provenance, after.record.run.provenance
    pairs = [
        ("commit", old.commit, new.commit),
        ("commit of the implementations", old.commit_elsewhere, new.commit_elsewhere),
        *_by_name(old.versions, new.versions),
        ("system", old.host.system, new.host.system),
        ("machine", old.host.machine, new.host.machine),
        ("GPU", old.host.gpu, new.host.gpu),
        *_by_name(old.host.worker_variables, new.host.worker_variables),
        ("digest of the data", before.row.data_digest, after.row.data_digest),
    ]
    return [f"{name} {was or 'none'} → {is_ or 'none'}" for name, was, is_ in pairs if was != is_]


def _by_name(old: dict[str, str], new: dict[str, str]) -> Sequence[tuple[str, str | None, str | None]]:
    return [(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
