"""Pairs of fresh processes, the two sides in alternating order, until each case is decided."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from benchmarks.compare.result import CaseVerdict, without_figures
from benchmarks.compare.rule import Category, final_verdict, verdict_so_far
from benchmarks.records.process import paired_ratios
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, WorkerRun
from benchmarks.runner.rounds import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.ab.sides import Side
    from benchmarks.compare.rule import Decision, Rule
    from benchmarks.runner.dispatch import Dispatcher
    from impls.contract import Device, Precision, Problem


SIDES = ("base", "new")


@dataclass
class PairedCase:
    """One case on both sides, and its results so far. A side that lacks the case has no result."""

    implementation: str
    name: str
    rule: Rule
    results: dict[str, CaseResult]  # by side
    decision: Decision | None = None

    @property
    def is_open(self) -> bool:
        """Whether another pair could change the verdict."""
        faults = [result.end_reason for result in self.results.values()]
        return len(faults) == len(SIDES) and not any(faults) and self.decision is None

    @property
    def ratios(self) -> list[float]:
        """Return new / base of each pair, from the two processes' fastest epochs."""
        return paired_ratios(*(self.results[side].processes for side in SIDES))

    def decide(self, n_cases: int) -> None:
        """Close the case if its pairs suffice for a verdict."""
        if self.is_open and self.ratios:
            self.decision = verdict_so_far(self.ratios, self.rule, n_cases=n_cases)

    def verdict(self, n_cases: int, interrupted: str | None) -> CaseVerdict:
        """Return the verdict; a case that is still open is undecided."""
        rows, decision = {side: result.row() for side, result in self.results.items()}, self.decision
        category, reason = Category.UNDECIDED, None
        if decision:
            category = decision.category
        elif self.is_open:
            ratios = self.ratios
            decision = final_verdict(ratios, self.rule, n_cases=n_cases) if ratios else None
            reason = f"interrupted ({interrupted}) after {len(ratios)} pairs"
        elif without := without_figures(rows.get("base"), rows.get("new")):
            category, reason = without
        return CaseVerdict(
            name=self.name,
            category=category,
            reason=reason,
            threshold=self.rule.threshold,
            decision=decision,
            **rows,
        )


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
    for problem, device, name in product(problems, devices, names):
        results = {
            key: CaseResult.of(Case(side.entries[name], device, problem, side.runtime, n_cores))
            for key, side in sides.items()
            if name in side.entries
        }
        label = replace(next(iter(results.values())).row(), implementation=name).case
        found.append(PairedCase(name, label, rule, results))
    return found


@dataclass
class PairedRun:
    """Measures cases in pairs."""

    paired_cases: Sequence[PairedCase]
    dispatcher: Dispatcher
    seed: int = 0  # of the shuffled order of implementations
    interrupted: str | None = field(default=None, init=False)
    n_cases: int = field(default=1, init=False)  # that can be compared: the others raise no false alarm

    def run(self) -> list[CaseVerdict]:
        """Measure until all cases are decided; Ctrl-C, SIGTERM and a full disk keep what was measured."""
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
            if pair <= 0:  # the inspection rules out cases that can't be measured
                self.n_cases = max(1, sum(paired_case.is_open for paired_case in self.paired_cases))
            if not groups:
                break
            shuffle(groups)
            self.dispatcher.progress.planned(2 * len(groups) * (max_pairs - pair))
            for position, (key, group) in enumerate(groups):
                # They alternate, so that neither side always finds the machine as the other left it.
                for side in SIDES if (pair + places[key]) % 2 else SIDES[::-1]:
                    self._work(group, side, pair, position)
                if pair != INSPECTION:
                    for paired_case in group:
                        paired_case.decide(self.n_cases)

    def _groups(self, pair: int) -> dict[tuple[str, Device, Precision], list[PairedCase]]:
        """Group the open cases by process; the inspection includes new cases."""
        groups: dict[tuple[str, Device, Precision], list[PairedCase]] = {}
        for paired_case in self.paired_cases:
            if paired_case.is_open or (pair == INSPECTION and "new" in paired_case.results):
                case = paired_case.results["new"].case
                key = (paired_case.implementation, case.device, case.problem.precision)
                groups.setdefault(key, []).append(paired_case)
        return groups

    def _work(self, group: Sequence[PairedCase], side: str, pair: int, position: int) -> None:
        """Run one side's process over the group's open cases; inspect it even if the other side failed."""
        results = [
            paired_case.results[side]
            for paired_case in group
            if side in paired_case.results and (paired_case.is_open or pair == INSPECTION)
        ]
        results = [result for result in results if not result.end_reason]
        if not results:
            return
        name = group[0].implementation
        what = "inspection" if pair == INSPECTION else f"pair {pair + 1} of at most {group[0].rule.max_pairs}"
        self.dispatcher.progress.advanced(f"{what}: {name} on {results[0].case.device}, {side}")
        worker_run = WorkerRun(
            round=pair,
            position=position,
            name=f"{pair:02}-{position:02}-{side}",
            sample_s=0.0 if pair == INSPECTION else Settings.sample_s,
            caches=self.dispatcher.folder / "caches" / side / name,
        )
        self.dispatcher.work(results, worker_run)
