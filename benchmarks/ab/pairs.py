"""Pairs of fresh processes, the two sides in alternating order, until each case is decided."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchmarks.compare.result import CaseVerdict
from benchmarks.compare.rule import Category, Decision, final_verdict, verdict_so_far
from benchmarks.compare.thresholds import require_fitting, threshold_for
from benchmarks.records.process import paired_ratios
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, WorkerRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.ab.sides import Side
    from benchmarks.compare.calibration import Calibration
    from benchmarks.compare.rule import Rule
    from benchmarks.runner.dispatch import Dispatcher
    from impls.contract import Device, Precision, Problem


SIDES = ("base", "new")


@dataclass
class PairedCase:
    """One case on both sides, and what is known of it so far. A side that lacks the case has no tally."""

    implementation: str
    name: str
    rule: Rule
    case_results: dict[str, CaseResult]  # by side
    decision: Decision | None = None

    @property
    def is_open(self) -> bool:
        """Say whether another pair could tell more."""
        both = len(self.case_results) == len(SIDES)
        return (
            both
            and self.decision is None
            and not any(case_result.end_reason for case_result in self.case_results.values())
        )

    @property
    def ratios(self) -> list[float]:
        """Give new / base of each pair, from the two processes' fastest epochs."""
        return paired_ratios(*(self.case_results[side].processes for side in SIDES))

    def verdict(self, n_cases: int, interrupted: str | None) -> CaseVerdict:
        """Say what became of the case."""
        category, reason = self._without_figures()
        decision = self.decision
        if category is None and decision is None:
            decision = final_verdict(self.ratios, self.rule, n_cases=n_cases) if self.ratios else None
            category, reason = (
                Category.UNDECIDED,
                f"interrupted ({interrupted}) after {len(self.ratios)} pairs",
            )
        elif category is None and decision is not None:
            category = decision.category
        return CaseVerdict(
            name=self.name,
            category=category or Category.UNDECIDED,
            reason=reason,
            threshold=self.rule.threshold,
            decision=decision,
            **{side: case_result.row() for side, case_result in self.case_results.items()},
        )

    def _without_figures(self) -> tuple[Category | None, str | None]:
        """Say why the case can't be compared; None twice where it can."""
        faults = {
            side: case_result.end_reason
            for side, case_result in self.case_results.items()
            if case_result.end_reason
        }
        reason = "; ".join(f"{side}: {fault.reason}" for side, fault in faults.items()) or None
        if "new" not in self.case_results:
            return Category.MISSING, "the new side lacks it"
        if any(fault.verdict is not Verdict.NOT_MEASURED for fault in faults.values()):
            return Category.INVALID, reason
        if faults:
            return Category.MISSING, reason
        return (None, None) if "base" in self.case_results else (Category.NEW, None)


def paired_cases_of(  # noqa: PLR0913 - each is a part of what a case is
    sides: Mapping[str, Side],
    names: Sequence[str],
    devices: Sequence[Device],
    problems: Sequence[Problem],
    rule: Rule,
    *,
    n_cores: int = 1,
) -> list[PairedCase]:
    """Match the sides' cases by name."""
    found = []
    for problem in problems:
        for device in devices:
            for name in names:
                case_results = {
                    key: CaseResult.of(Case(side.entries[name], device, problem, side.runtime, n_cores))
                    for key, side in sides.items()
                    if name in side.entries
                }
                label = replace(next(iter(case_results.values())).row(), implementation=name).case
                found.append(PairedCase(name, label, rule, case_results))
    return found


@dataclass
class PairedRun:
    """Measures matchups in pairs."""

    paired_cases: Sequence[PairedCase]
    dispatcher: Dispatcher
    sample_s: float = 0.4
    seed: int = 0  # of the shuffled order of implementations
    stops_early: bool = True  # False: all pairs, whatever they show
    interrupted: str | None = field(default=None, init=False)
    n_cases: int = field(default=1, init=False)  # that can be compared: the others raise no false alarm

    def run(self) -> list[CaseVerdict]:
        """Measure until all is decided; Ctrl-C, SIGTERM and a full disk keep what was measured."""
        try:
            self._run()
        except KeyboardInterrupt:
            self.interrupted = "Ctrl-C or SIGTERM"
        except OSError as error:
            self.interrupted = str(error)
        return [paired_case.verdict(self.n_cases, self.interrupted) for paired_case in self.paired_cases]

    def _run(self) -> None:
        places = {key: place for place, key in enumerate(self._groups(INSPECTION))}
        shuffle = random.Random(self.seed).shuffle  # noqa: S311 - an order, not a secret
        max_pairs = max((paired_case.rule.max_pairs for paired_case in self.paired_cases), default=0)
        for pair in range(INSPECTION, max_pairs):
            groups = list(self._groups(pair).items())
            if pair <= 0:  # the inspection found some that can't be measured
                self.n_cases = max(1, sum(paired_case.is_open for paired_case in self.paired_cases))
            if not groups:
                break
            shuffle(groups)
            self.dispatcher.progress.planned(2 * len(groups) * (max_pairs - pair))
            for position, (key, group) in enumerate(groups):
                # By turns first, so that neither side always finds the machine as the other left it.
                order = SIDES if (pair + places[key]) % 2 else SIDES[::-1]
                for side in order:
                    self._work(group, side, pair, position)
                if pair != INSPECTION:
                    self._decide(group)

    def _groups(self, pair: int) -> dict[tuple[str, Device, Precision], list[PairedCase]]:
        """Give what is still open, by what one process measures; the inspection looks at what is new, too."""
        groups: dict[tuple[str, Device, Precision], list[PairedCase]] = {}
        for paired_case in self.paired_cases:
            if paired_case.is_open or (pair == INSPECTION and "new" in paired_case.case_results):
                case = paired_case.case_results["new"].case
                key = (paired_case.implementation, case.device, case.problem.precision)
                groups.setdefault(key, []).append(paired_case)
        return groups

    def _work(self, group: Sequence[PairedCase], side: str, pair: int, position: int) -> None:
        """Run one side's process over the group's open cases; inspect it even if the other side's failed."""
        open_ = [paired_case for paired_case in group if paired_case.is_open or pair == INSPECTION]
        there = [paired_case.case_results[side] for paired_case in open_ if side in paired_case.case_results]
        case_results = [case_result for case_result in there if not case_result.end_reason]
        if not case_results:
            return
        name = group[0].implementation
        what = "inspection" if pair == INSPECTION else f"pair {pair + 1} of at most {group[0].rule.max_pairs}"
        self.dispatcher.progress.advanced(f"{what}: {name} on {case_results[0].case.device}, {side}")
        worker_run = WorkerRun(
            round=pair,
            position=position,
            name=f"{pair:02}-{position:02}-{side}",
            sample_s=0.0 if pair == INSPECTION else self.sample_s,
            caches=self.dispatcher.folder / "caches" / side / name,
        )
        self.dispatcher.work(case_results, worker_run)

    def _decide(self, group: Sequence[PairedCase]) -> None:
        """Close the cases whose pairs say enough."""
        for paired_case in group:
            if not paired_case.is_open or not paired_case.ratios:
                continue
            if self.stops_early:
                paired_case.decision = verdict_so_far(
                    paired_case.ratios, paired_case.rule, n_cases=self.n_cases
                )
            elif len(paired_case.ratios) == paired_case.rule.max_pairs:
                paired_case.decision = final_verdict(
                    paired_case.ratios, paired_case.rule, n_cases=self.n_cases
                )


def set_thresholds(
    paired_cases: Sequence[PairedCase], given: Mapping[str, float], known: Calibration | None
) -> None:
    """Take each case's threshold from what the user says, else from the calibration, else leave the rule's.

    Raises:
        UsageError: what the user says fits no case.

    """
    names = [paired_case.name for paired_case in paired_cases]
    require_fitting(given, names)
    for paired_case in paired_cases:
        threshold = threshold_for(paired_case.name, given, known, default=paired_case.rule.threshold)
        paired_case.rule = paired_case.rule.with_threshold(threshold)
