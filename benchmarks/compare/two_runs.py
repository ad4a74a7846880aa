"""Two records, measured at different moments, held against each other: `perceptron-bench compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from benchmarks.compare import calibration
from benchmarks.compare.comparable import differences, require_comparable
from benchmarks.compare.result import CaseVerdict, Comparison, SideRecord, ordered
from benchmarks.compare.rule import Category, Rule
from benchmarks.compare.thresholds import require_fitting, threshold_for, uncalibrated
from benchmarks.compare.unpaired import DRIFT, RULE, decide_shift, rounds_needed
from benchmarks.errors import UsageError
from benchmarks.paths import CALIBRATIONS
from benchmarks.records.process import paired_ratios
from benchmarks.records.row import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run


METHOD = """\
two records of different moments; of each process the fastest epoch{normalized}; the Hodges-Lehmann estimate \
of the log's shift and its exact rank-sum interval, at alpha {alpha:g} shared by all cases (Bonferroni), \
widened by {drift:.1%} for what the machine may have drifted by; slower means beyond the threshold with the \
whole interval above 0"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to compare records."""

    rule: Rule = RULE
    drift: float = DRIFT
    control: str | None = None  # compare ratios to this implementation in the same run and round only
    threshold_of: Callable[[str], float] | None = None  # by case

    def __post_init__(self) -> None:
        """Refuse a drift that would narrow the intervals, or make them infinite.

        Raises:
            UsageError: it would.

        """
        if not 0 <= self.drift < 1:
            message = f"--drift: expected from 0 to less than 100 %, found {self.drift * 100:g}"
            raise UsageError(message)


@dataclass(frozen=True, kw_only=True)
class Counterparts:
    """One case in both records, and what it is compared by.

    That is the logarithm of each process's fastest epoch, or of its ratio to the control's in the same round;
    there is none of a side that has no times, or none with the control.
    """

    name: str
    base: Row | None
    new: Row | None
    base_logs: list[float]
    new_logs: list[float]

    @property
    def rows(self) -> list[Row]:
        """Give the rows that there are."""
        return [row for row in (self.base, self.new) if row]

    @property
    def are_comparable(self) -> bool:
        """Say whether there are figures on both sides."""
        return bool(self.base_logs and self.new_logs)


def compare_runs(base: Run, new: Run, settings: Settings) -> Comparison:
    """Compare case by case.

    Raises:
        UsageError: the records can't be compared, as `require_comparable` says.

    """
    control = settings.control
    require_comparable(base, new, control)
    cases = _counterparts(base, new, control)
    compared = [case for case in cases if not _is_unmeasured(case) and not _is_control(case, control)]
    n_cases = sum(case.are_comparable for case in compared)
    normalized = f" over that of {control} in the same round" if control else ""
    return Comparison(
        method=METHOD.format(normalized=normalized, alpha=settings.rule.alpha, drift=settings.drift),
        base=_side("base", base),
        new=_side("new", new),
        provenance=new.provenance,
        rule=settings.rule,
        wall_s=0.0,
        interrupted=None,
        notes=(*_notes(base, new, control), *_left_out(cases, control)),
        verdicts=ordered(_judge(case, settings, n_cases=n_cases) for case in compared),
    )


def _counterparts(base: Run, new: Run, control: str | None) -> list[Counterparts]:
    """Match the two records' cases by name."""
    sides = [{row.case: row for row in run.rows} for run in (base, new)]
    return [
        Counterparts(
            name=name,
            base=sides[0].get(name),
            new=sides[1].get(name),
            base_logs=_logs(name, sides[0], control),
            new_logs=_logs(name, sides[1], control),
        )
        for name in dict.fromkeys([*sides[0], *sides[1]])
    ]


def _logs(name: str, rows: Mapping[str, Row], control: str | None) -> list[float]:
    row = rows.get(name)
    if row is None or not row.is_timed:
        return []
    if control is None:
        return [math.log(process.min_s) for process in row.processes]
    controls = [each for each in rows.values() if each.implementation == control and each.group == row.group]
    held = [process for each in controls if each.is_timed for process in each.processes]
    return [math.log(ratio) for ratio in paired_ratios(held, row.processes)]


def _is_unmeasured(case: Counterparts) -> bool:
    return all(row.verdict is Verdict.NOT_MEASURED for row in case.rows)


def _is_control(case: Counterparts, control: str | None) -> bool:
    """Say whether it is the control itself; one without times on some side is a case like any other."""
    return case.are_comparable and all(row.implementation == control for row in case.rows)


def _left_out(cases: list[Counterparts], control: str | None) -> Iterator[str]:
    """Say what was left out, for the reader of the report."""
    if names := [case.name for case in cases if _is_unmeasured(case)]:
        yield f"left out, measured in neither record: {', '.join(names)}"
    if names := [case.name for case in cases if _is_control(case, control)]:
        yield f"the control, left out itself: {', '.join(names)}"


def _notes(base: Run, new: Run, control: str | None) -> Iterator[str]:
    """Say what the reader must know of the records."""
    if control:
        yield from (
            f"compared all the same, by ratios to {control}: {each}" for each in differences(base, new)
        )
    for name, run in (("base", base), ("new", new)):
        if run.settings.interrupted:
            yield f"{name}: the run was interrupted ({run.settings.interrupted}): some rounds are missing"
    if base.provenance.date > new.provenance.date:
        yield "the base was measured after the new record: are they the right way round?"


def _side(name: str, run: Run) -> SideRecord:
    at = run.provenance
    return SideRecord(name=name, versions=at.versions, commit=at.commit, differs={"measured": at.date})


def _judge(case: Counterparts, settings: Settings, *, n_cases: int) -> CaseVerdict:
    threshold = settings.threshold_of(case.name) if settings.threshold_of else settings.rule.threshold
    rule = settings.rule.with_threshold(threshold)
    decision = None
    if case.are_comparable:
        decision = decide_shift(case.base_logs, case.new_logs, rule, drift=settings.drift, n_cases=n_cases)
        category, reason = decision.category, None
        if decision.detectable is None:
            needed = rounds_needed(rule, n_cases=n_cases)
            told = f"{n_cases} case{'s' * (n_cases > 1)}"
            reason = f"{decision.n_pairs} rounds are too few for {told}: measure {needed}, or fewer cases"
    else:
        category, reason = _without_figures(case, settings.control)
    return CaseVerdict(
        name=case.name,
        category=category,
        reason=reason,
        threshold=threshold,
        decision=decision,
        base=case.base,
        new=case.new,
    )


def _without_figures(case: Counterparts, control: str | None) -> tuple[Category, str | None]:
    """Say why the case can't be compared."""
    for side, row in (("base", case.base), ("new", case.new)):
        if row and row.verdict in (Verdict.INVALID, Verdict.FAILED):
            return Category.INVALID, f"{side}: {row.reason}"
    if case.new is None or not case.new.is_timed:
        return Category.MISSING, (case.new and case.new.reason) or "not measured in the new record"
    if case.base is None:
        return Category.NEW, None
    if not case.base.is_timed:
        return Category.MISSING, f"base: {case.base.reason or 'not timed'}"
    return Category.MISSING, f"no round in which {control} was measured, too"


def compare_calibrated(  # noqa: PLR0913 - as many as `compare` has options
    base: Run,
    new: Run,
    *,
    control: str | None = None,
    rule: Rule = RULE,
    drift: float = DRIFT,
    thresholds: Mapping[str, float] = MappingProxyType({}),
    calibrations: Path = CALIBRATIONS,
) -> Comparison:
    """Compare two records by the thresholds that are given, or else by those of the machine's calibration.

    Raises:
        UsageError: the records can't be compared, or a threshold fits none of their cases.

    """
    known, note = calibration.find(new.provenance, calibrations)
    settings = Settings(
        rule=rule,
        drift=drift,
        control=control,
        threshold_of=lambda name: threshold_for(name, thresholds, known, default=rule.threshold),
    )
    comparison = compare_runs(base, new, settings)
    names = [verdict.name for verdict in comparison.verdicts]
    require_fitting(thresholds, names)
    stale = calibration.stale_sides(known, new.provenance, (comparison.base, comparison.new))
    return replace(
        comparison, notes=(*comparison.notes, note, *stale, *uncalibrated(known, names, thresholds))
    )
