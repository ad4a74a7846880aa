"""Two records, measured at different moments, held against each other: `perceptron-bench compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.comparability import require_comparable
from benchmarks.comparison import CaseVerdict, Comparison, SideRecord, ordered
from benchmarks.decision import Category, Decision, Rule, categorize
from benchmarks.errors import UsageError
from benchmarks.record import Verdict
from benchmarks.statistics import shift_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.record import Row, Run

DRIFT = 0.04
"""What a machine itself may drift by between two moments. The same code's fastest epochs, in six records
of two hours on an idle virtual machine, had medians at most 1.7 % apart (eight implementations on `book`;
the un-jitted JAX loop 3.6 %)."""

RULE = Rule(threshold=0.075, alpha=0.05)

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


def compare_runs(base: Run, new: Run, settings: Settings) -> Comparison:
    """Compare case by case.

    Raises:
        UsageError: the records can't be compared, as `require_comparable` says.

    """
    require_comparable(base, new, settings.control)
    rows = [{row.case: row for row in run.rows} for run in (base, new)]
    names = [name for name in dict.fromkeys([*rows[0], *rows[1]]) if _was_measured(name, rows)]
    names = [name for name in names if _implementation(name, rows) != settings.control]
    verdicts = [_judge(name, rows, settings, n_cases=len(names)) for name in names]
    n_left_out = len({*rows[0], *rows[1]}) - len(names)
    note = f"left out: {n_left_out} cases measured in neither record, or the control's"
    normalized = f" over that of {settings.control} in the same round" if settings.control else ""
    return Comparison(
        method=METHOD.format(normalized=normalized, alpha=settings.rule.alpha, drift=settings.drift),
        base=_side("base", base),
        new=_side("new", new),
        provenance=new.provenance,
        rule=settings.rule,
        wall_s=0.0,
        interrupted=None,
        notes=(note,) if n_left_out else (),
        verdicts=ordered(verdicts),
    )


def _was_measured(name: str, rows: Sequence[Mapping[str, Row]]) -> bool:
    there = [each[name] for each in rows if name in each]
    return any(row.verdict is not Verdict.NOT_MEASURED for row in there)


def _implementation(name: str, rows: Sequence[Mapping[str, Row]]) -> str:
    return next(each[name].implementation for each in rows if name in each)


def _side(name: str, run: Run) -> SideRecord:
    at = run.provenance
    return SideRecord(name=name, versions=at.versions, commit=at.commit, differs={"measured": at.date})


def _judge(name: str, rows: Sequence[Mapping[str, Row]], settings: Settings, *, n_cases: int) -> CaseVerdict:
    base, new = (each.get(name) for each in rows)
    category, reason = _without_figures(base, new)
    threshold = settings.threshold_of(name) if settings.threshold_of else settings.rule.threshold
    rule = settings.rule.with_threshold(threshold)
    decision = None
    if category is None:
        base_logs, new_logs = (_logs(name, each, settings.control) for each in rows)
        if base_logs and new_logs:
            decision = decide_shift(base_logs, new_logs, rule, drift=settings.drift, n_cases=n_cases)
            category = decision.category
            if too_few(decision, rule, n_cases=n_cases):
                reason = (
                    f"{decision.n_pairs} rounds are too few for {n_cases} cases: measure more, or fewer cases"
                )
        else:
            category, reason = Category.MISSING, f"no round in which {settings.control} was measured, too"
    return CaseVerdict(
        name=name,
        category=category,
        reason=reason,
        threshold=threshold,
        decision=decision,
        base=base,
        new=new,
    )


def _without_figures(base: Row | None, new: Row | None) -> tuple[Category | None, str | None]:
    """Say why the case can't be compared; None twice where it can."""
    for side, row in (("base", base), ("new", new)):
        if row and row.verdict in (Verdict.INVALID, Verdict.FAILED):
            return Category.INVALID, f"{side}: {row.reason}"
    if new is None or not new.is_timed:
        return Category.MISSING, (new and new.reason) or "not measured in the new record"
    if base is None:
        return Category.NEW, None
    if not base.is_timed:
        return Category.MISSING, f"base: {base.reason or 'not timed'}"
    return None, None


def _logs(name: str, rows: Mapping[str, Row], control: str | None) -> list[float]:
    """Give the log of each process's fastest epoch, over the control's of the same round if there is one."""
    row = rows[name]
    if control is None:
        return [math.log(process.min_s) for process in row.processes]
    controls = [
        each
        for each in rows.values()
        if each.implementation == control and each.group == row.group and each.is_timed
    ]
    control_s = {process.round: process.min_s for each in controls for process in each.processes}
    return list(_log_ratios(row, control_s))


def _log_ratios(row: Row, control_s: Mapping[int, float]) -> Iterator[float]:
    for process in row.processes:
        if process.round in control_s:
            yield math.log(process.min_s / control_s[process.round])


def decide_shift(
    base_logs: Sequence[float], new_logs: Sequence[float], rule: Rule, *, drift: float, n_cases: int
) -> Decision:
    """Judge the shift from one set of processes to another of a different moment."""
    shift, low, high, coverage = shift_interval(base_logs, new_logs, rule.alpha / n_cases)
    ratio, low, high = math.exp(shift), math.exp(low) / (1 + drift), math.exp(high) * (1 + drift)
    decision = Decision(
        category=categorize(ratio, low, high, rule),
        ratio=ratio,
        low=low,
        high=high,
        coverage=coverage,
        detectable=max(rule.threshold, ratio / low - 1),
        n_pairs=min(len(base_logs), len(new_logs)),
    )
    if too_few(decision, rule, n_cases=n_cases):
        return replace(decision, category=Category.UNDECIDED, detectable=None)
    return decision


def too_few(decision: Decision, rule: Rule, *, n_cases: int) -> bool:
    """Say whether there are too few processes for an interval as sure as the number of cases demands."""
    return (1 - decision.coverage) / 2 > rule.alpha / n_cases
