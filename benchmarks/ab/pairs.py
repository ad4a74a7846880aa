"""Pairs of fresh processes, the order of the sides by a fair coin, until each case is decided."""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.ab.sides import Side
from benchmarks.compare.decide import final_verdict, verdict_so_far
from benchmarks.compare.evidence import balanced
from benchmarks.compare.result import SIDES, CaseVerdict, without_figures
from benchmarks.compare.rule import Category, Decision, Rule
from benchmarks.records.process import paired_ratios
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, Dispatcher, WorkerRun
from benchmarks.runner.settings import Settings
from benchmarks.runner.signals import INTERRUPTED, interruptible
from impls.contract import Device, Precision, Problem

MOST_TRIES = 2
"""A case measures at most this many times its `max_pairs`: pairs that could not be checked are replaced."""


def drawn_order(seed: str, pair: int, group: object) -> tuple[str, ...]:
    """Return the order of the sides in one pair of a group of cases, by a fair coin: a bit of SHA-256."""
    is_base_first = hashlib.sha256(f"{seed}-{pair}-{group}".encode()).digest()[0] % 2
    return SIDES if is_base_first else SIDES[::-1]


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
        """Return new / base of each pair in which both sides were checked, from the fastest epochs."""
        return paired_ratios(*(self.results[side].processes for side in SIDES))

    @property
    def is_balanced(self) -> bool:
        """Whether both orders of the sides occurred in enough of these pairs."""
        base, new = ({each.round: each.position for each in self.results[side].processes} for side in SIDES)
        return bool(balanced(np.array([new[pair] < base[pair] for pair in base.keys() & new.keys()])))

    def decide(self, n_cases: int) -> None:
        """Close the case if its pairs suffice for a verdict."""
        if self.is_open and self.ratios:
            self.decision = verdict_so_far(
                self.ratios, self.rule, n_cases=n_cases, is_balanced=self.is_balanced
            )

    def verdict(self, n_cases: int, interrupted: str | None) -> CaseVerdict:
        """Return the verdict; a case that is still open is undecided."""
        is_open = self.is_open
        for result in self.results.values():
            result.settle()
        rows, decision = {side: result.row() for side, result in self.results.items()}, self.decision
        category, reason = Category.UNDECIDED, None
        if without := without_figures(rows.get("base"), rows.get("new")):
            (category, reason), decision = without, None
            if category is Category.MISSING and (is_open or self.decision):  # its times could not be checked
                category = Category.UNDECIDED
        elif decision:
            category = decision.category
        elif is_open:
            ratios = self.ratios
            decision = final_verdict(ratios, self.rule, n_cases=n_cases) if ratios else None
            why = f"interrupted ({interrupted})" if interrupted else "too many pairs could not be checked"
            reason = f"{why} after {len(ratios)} pairs"
        return CaseVerdict(
            name=self.name,
            category=category,
            reason=reason,
            threshold=self.rule.threshold,
            decision=decision,
            **rows,
        )


def paired_cases_of(
    sides: Mapping[str, Side],
    asked: Iterable[tuple[Problem, Device, int, str]],
    rule: Rule,
    *,
    n_cores: int = 1,
) -> list[PairedCase]:
    """Match the sides' cases; asked for are problems, devices, ranks and names of implementations."""
    found = []
    for problem, device, n_ranks, name in asked:
        results = {
            key: CaseResult.of(Case(side.entries[name], device, problem, side.runtime, n_cores, n_ranks))
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
    seed: str  # of the order of implementations, and of the sides in each pair
    interrupted: str | None = field(default=None, init=False)
    n_cases: int = field(default=1, init=False)  # that can be compared: the others raise no false alarm

    def run(self) -> list[CaseVerdict]:
        """Measure until all cases are decided; a signal and a full disk keep what was measured."""
        try:
            with interruptible():
                self._run()
        except KeyboardInterrupt:
            self.interrupted = INTERRUPTED
        except OSError as error:
            self.interrupted = str(error)
        return [paired_case.verdict(self.n_cases, self.interrupted) for paired_case in self.paired_cases]

    @property
    def inspection(self) -> int:
        """Return the pair that begins with empty caches and inspects: the first one, or one before it.

        Under valgrind, which counts instructions, the inspection would take minutes.
        """
        return INSPECTION - 1 if self.dispatcher.counter else INSPECTION

    def _run(self) -> None:
        max_pairs = max((paired_case.rule.max_pairs for paired_case in self.paired_cases), default=0)
        for pair in range(self.inspection, MOST_TRIES * max_pairs):
            groups = list(self._groups(pair).items())
            if not groups:
                break
            random.Random(f"{self.seed}-{pair}").shuffle(groups)  # noqa: S311 - not for security: the recorded seed has to give this order again
            self.dispatcher.progress.planned(2 * len(groups) * max(1, max_pairs - pair))
            for position, (key, group) in enumerate(groups):
                self._run_pair(group, drawn_order(self.seed, pair, key), pair, position)
                for paired_case in group if pair > INSPECTION else ():
                    paired_case.decide(self.n_cases)
            if pair <= INSPECTION:  # the inspection rules out cases that can't be measured
                self.n_cases = max(1, sum(paired_case.is_open for paired_case in self.paired_cases))
            if pair == INSPECTION:
                for paired_case in self.paired_cases:
                    paired_case.decide(self.n_cases)

    def _run_pair(self, group: Sequence[PairedCase], order: Sequence[str], pair: int, position: int) -> None:
        """Run one process of each side: they prepare at once, where they can, and are timed in order."""
        at_once, workers = self._can_prepare_at_once(group, pair, position), []
        for i, side in enumerate(order):
            if results := self._open(group, side, pair):  # the other side may have ended some
                self.dispatcher.progress.advanced(self._description(group, side, pair))
                worker = results, self._worker_run(group, side, pair, 2 * position + i)
                if at_once:
                    workers.append(worker)
                else:
                    self.dispatcher.work(*worker)
        if workers:
            self.dispatcher.work_at_once(workers)

    def _can_prepare_at_once(self, group: Sequence[PairedCase], pair: int, position: int) -> bool:
        """Whether there are CPUs for it; what an earlier call left is read one by one."""
        case = group[0].results["new"].case
        is_left = any(self.dispatcher.folder.glob(f"{_name_of(pair, position)}-*.report"))
        can = bool(self.dispatcher.spare_cpus) and case.device == "cpu" and case.n_ranks == 1
        return can and _is_timed(group, pair) and not is_left

    def _groups(self, pair: int) -> dict[tuple[str, str, Precision], list[PairedCase]]:
        """Group the open cases by process; the inspection includes new cases."""
        groups: dict[tuple[str, str, Precision], list[PairedCase]] = {}
        for paired_case in self.paired_cases:
            if paired_case.is_open or (pair == self.inspection and "new" in paired_case.results):
                case = paired_case.results["new"].case
                key = (paired_case.implementation, case.place, case.problem.precision)
                groups.setdefault(key, []).append(paired_case)
        return groups

    def _open(self, group: Sequence[PairedCase], side: str, pair: int) -> Sequence[CaseResult]:
        """Return one side's results that are still open; inspect it even if the other side failed."""
        results = [
            paired_case.results[side]
            for paired_case in group
            if side in paired_case.results and (paired_case.is_open or pair == self.inspection)
        ]
        return [result for result in results if not result.end_reason]

    def _worker_run(self, group: Sequence[PairedCase], side: str, pair: int, position: int) -> WorkerRun:
        caches = f"{group[0].implementation}{group[0].results[side].case.marks}"
        return WorkerRun(
            round=pair,
            position=position,
            name=f"{_name_of(pair, position // 2)}-{side}",
            sample_s=Settings.sample_s if _is_timed(group, pair) else 0.0,
            inspects=pair == self.inspection,
            caches=self.dispatcher.folder / "caches" / side / caches,
            side=side,
        )

    def _description(self, group: Sequence[PairedCase], side: str, pair: int) -> str:
        first, what = group[0], "inspection"
        if _is_timed(group, pair):
            what = f"pair {len(first.ratios) + 1} of at most {first.rule.max_pairs}"
            what += ", with the inspection" if pair == self.inspection else ""
        return f"{what}: {first.implementation} on {first.results[side].case.place}, {side}"


def _name_of(pair: int, position: int) -> str:
    """Return how the names of a pair's files begin, for one group of cases; see benchmarks.ab.resume."""
    return f"{pair:02}-{position:02}"


def _is_timed(group: Sequence[PairedCase], pair: int) -> bool:
    """Whether there are times to compare: cases that only one side has are inspected only."""
    return pair >= INSPECTION and any(len(paired_case.results) == len(SIDES) for paired_case in group)
