"""Compares two records, measured at different moments: `perceptron-bench compare`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.compare.comparable import differences, require_comparable
from benchmarks.compare.result import CaseVerdict, Comparison, SideRecord, ordered, without_figures
from benchmarks.compare.rule import UNPAIRED_RULE, Category, Rule
from benchmarks.compare.thresholds import require_fitting, rule_for
from benchmarks.compare.unpaired import decide_shift, rounds_needed
from benchmarks.records.process import paired_ratios
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run

METHOD = """\
two records of different moments; of each process the fastest epoch{normalized}; the Hodges-Lehmann estimate \
of the log's shift and its exact rank-sum interval, at alpha {alpha:g} shared by all cases (Bonferroni), \
widened by {drift:.1%} for a drift of the machine; slower means beyond the threshold with the whole interval \
above 0"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to compare two records."""

    rule: Rule = UNPAIRED_RULE
    baseline: str | None = None  # compare only ratios to this implementation in the same run and round
    thresholds: Mapping[str, float] = field(default_factory=dict)  # by a part of the case's name


@dataclass(frozen=True, kw_only=True)
class Counterparts:
    """One case in both records, with the figures by which it is compared.

    A figure is the logarithm of a process's fastest epoch, or of its ratio to the baseline's in the same
    round. A side without times, or without times of the baseline, has no figures.
    """

    name: str
    base: Row | None
    new: Row | None
    base_logs: list[float]
    new_logs: list[float]

    @property
    def rows(self) -> list[Row]:
        """Return the rows that exist."""
        return [row for row in (self.base, self.new) if row]

    @property
    def is_comparable(self) -> bool:
        """Whether there are figures on both sides."""
        return bool(self.base_logs and self.new_logs)

    @property
    def is_unmeasured(self) -> bool:
        """Whether neither record measured it."""
        return all(row.verdict is Verdict.NOT_MEASURED for row in self.rows)

    def is_of(self, baseline: str | None) -> bool:
        """Whether it is the baseline itself. A baseline without times on a side is a case like any other."""
        return self.is_comparable and all(row.implementation == baseline for row in self.rows)


def compare_runs(base: Run, new: Run, settings: Settings) -> Comparison:
    """Compare two records case by case.

    Raises:
        UsageError: the records can't be compared, or a threshold fits none of their cases.
    """
    rule, baseline = settings.rule, settings.baseline
    require_comparable(base, new, baseline)
    cases = _counterparts(base, new, baseline)
    compared = [case for case in cases if not case.is_unmeasured and not case.is_of(baseline)]
    require_fitting(settings.thresholds, [case.name for case in compared])
    n_cases = sum(case.is_comparable for case in compared)
    normalized = f" over that of {baseline} in the same round" if baseline else ""
    sides = (_side("base", base), _side("new", new))
    return Comparison(
        method=METHOD.format(normalized=normalized, alpha=rule.alpha, drift=rule.drift),
        base=sides[0],
        new=sides[1],
        provenance=new.provenance,
        rule=rule,
        wall_s=0.0,
        interrupted=None,
        notes=tuple(_notes(base, new, cases, baseline)),
        verdicts=ordered(
            _judge(case, rule_for(case.name, rule, settings.thresholds), baseline, n_cases=n_cases)
            for case in compared
        ),
    )


def _counterparts(base: Run, new: Run, baseline: str | None) -> list[Counterparts]:
    """Match the two records' cases by name."""
    base_rows, new_rows = ({row.case: row for row in run.rows} for run in (base, new))
    return [
        Counterparts(
            name=name,
            base=base_rows.get(name),
            new=new_rows.get(name),
            base_logs=_logs(base_rows.get(name), base.rows, baseline),
            new_logs=_logs(new_rows.get(name), new.rows, baseline),
        )
        for name in base_rows | new_rows
    ]


def _logs(row: Row | None, rows: Sequence[Row], baseline: str | None) -> list[float]:
    if row is None or not row.is_timed:
        return []
    if baseline is None:
        return [math.log(process.min_s) for process in row.processes]
    baselines = [each for each in rows if (each.implementation, each.group) == (baseline, row.group)]
    processes = [process for each in baselines if each.is_timed for process in each.processes]
    return [math.log(ratio) for ratio in paired_ratios(processes, row.processes)]


def _notes(base: Run, new: Run, cases: list[Counterparts], baseline: str | None) -> Iterator[str]:
    """Describe the differences and flaws of the records, and name the cases that are left out."""
    if baseline:
        yield from (f"compared anyway, by ratios to {baseline}: {each}" for each in differences(base, new))
    for name, run in (("base", base), ("new", new)):
        if run.settings.interrupted:
            yield f"{name}: the run was interrupted ({run.settings.interrupted}): some rounds are missing"
    if base == new:
        yield "both are the same record: it can't differ from itself"
    if base.provenance.date > new.provenance.date:
        yield "the base was measured after the new record: are they in the right order?"
    if names := [case.name for case in cases if case.is_unmeasured]:
        yield f"left out, measured in neither record: {', '.join(names)}"
    if names := [case.name for case in cases if case.is_of(baseline)]:
        yield f"left out, the baseline itself: {', '.join(names)}"


def _side(name: str, run: Run) -> SideRecord:
    at = run.provenance
    return SideRecord(name=name, versions=at.versions, commit=at.commit, differs={"measured": at.date})


def _judge(case: Counterparts, rule: Rule, baseline: str | None, *, n_cases: int) -> CaseVerdict:
    decision = None
    if case.is_comparable:
        decision = decide_shift(case.base_logs, case.new_logs, rule, n_cases=n_cases)
        category, reason = decision.category, None
        if decision.detectable is None:
            cases = f"{n_cases} case{'s' * (n_cases > 1)}"
            needed = rounds_needed(rule, n_cases=n_cases)
            reason = f"{decision.n_pairs} rounds are too few for {cases}: measure {needed}, or fewer cases"
    else:
        no_round = f"no round with times of both sides{f' and of {baseline}' if baseline else ''}"
        category, reason = without_figures(case.base, case.new) or (Category.MISSING, no_round)
    return CaseVerdict(
        name=case.name,
        category=category,
        reason=reason,
        threshold=rule.threshold,
        decision=decision,
        base=case.base,
        new=case.new,
    )
