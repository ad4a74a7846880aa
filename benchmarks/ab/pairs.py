"""Pairs of fresh processes, the two sides in alternating order, until each case is decided."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchmarks.compare.result import CaseVerdict
from benchmarks.compare.rule import Category, Decision, assess, decide
from benchmarks.compare.thresholds import require_fitting, threshold_for
from benchmarks.records.process import paired_ratios
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, Tally
from benchmarks.runner.dispatch import INSPECTION, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.ab.sides import Side
    from benchmarks.compare.calibration import Calibration
    from benchmarks.compare.rule import Rule
    from benchmarks.runner.dispatch import Crew
    from impls.contract import Device, Precision, Problem


SIDES = ("base", "new")


@dataclass
class Matchup:
    """One case on both sides, and what is known of it so far. A side that lacks the case has no tally."""

    implementation: str
    name: str
    rule: Rule
    tallies: dict[str, Tally]  # by side
    decision: Decision | None = None

    @property
    def is_open(self) -> bool:
        """Say whether another pair could tell more."""
        both = len(self.tallies) == len(SIDES)
        return both and self.decision is None and not any(tally.fault for tally in self.tallies.values())

    @property
    def ratios(self) -> list[float]:
        """Give new / base of each pair, from the two processes' fastest epochs."""
        return paired_ratios(*(self.tallies[side].processes for side in SIDES))

    def verdict(self, n_cases: int, interrupted: str | None) -> CaseVerdict:
        """Say what became of the case."""
        category, reason = self._without_figures()
        decision = self.decision
        if category is None and decision is None:
            decision = assess(self.ratios, self.rule, n_cases=n_cases) if self.ratios else None
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
            **{side: tally.row() for side, tally in self.tallies.items()},
        )

    def _without_figures(self) -> tuple[Category | None, str | None]:
        """Say why the case can't be compared; None twice where it can."""
        faults = {side: tally.fault for side, tally in self.tallies.items() if tally.fault}
        reason = "; ".join(f"{side}: {fault.reason}" for side, fault in faults.items()) or None
        if "new" not in self.tallies:
            return Category.MISSING, "the new side lacks it"
        if any(fault.verdict is not Verdict.NOT_MEASURED for fault in faults.values()):
            return Category.INVALID, reason
        if faults:
            return Category.MISSING, reason
        return (None, None) if "base" in self.tallies else (Category.NEW, None)


def matchups_of(
    sides: Mapping[str, Side],
    names: Sequence[str],
    devices: Sequence[Device],
    problems: Sequence[Problem],
    rule: Rule,
) -> list[Matchup]:
    """Match the sides' cases by name."""
    found = []
    for problem in problems:
        for device in devices:
            for name in names:
                tallies = {
                    key: _tally(Case(side.entries[name], device, problem, side.runtime))
                    for key, side in sides.items()
                    if name in side.entries
                }
                label = replace(next(iter(tallies.values())).row(), implementation=name).case
                found.append(Matchup(name, label, rule, tallies))
    return found


def _tally(case: Case) -> Tally:
    tally = Tally(case)
    if reason := case.hindrance:
        tally.rule_out(Verdict.NOT_MEASURED, reason)
    return tally


@dataclass
class Duel:
    """Measures matchups in pairs."""

    matchups: Sequence[Matchup]
    crew: Crew
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
        return [matchup.verdict(self.n_cases, self.interrupted) for matchup in self.matchups]

    def _run(self) -> None:
        places = {key: place for place, key in enumerate(self._groups(INSPECTION))}
        shuffle = random.Random(self.seed).shuffle  # noqa: S311 - an order, not a secret
        max_pairs = max((matchup.rule.max_pairs for matchup in self.matchups), default=0)
        for pair in range(INSPECTION, max_pairs):
            groups = list(self._groups(pair).items())
            if pair <= 0:  # the inspection found some that can't be measured
                self.n_cases = max(1, sum(matchup.is_open for matchup in self.matchups))
            if not groups:
                break
            shuffle(groups)
            self.crew.observer.planned(2 * len(groups) * (max_pairs - pair))
            for position, (key, group) in enumerate(groups):
                # By turns first, so that neither side always finds the machine as the other left it.
                order = SIDES if (pair + places[key]) % 2 else SIDES[::-1]
                for side in order:
                    self._work(group, side, pair, position)
                if pair != INSPECTION:
                    self._decide(group)

    def _groups(self, pair: int) -> dict[tuple[str, Device, Precision], list[Matchup]]:
        """Give what is still open, by what one process measures; the inspection looks at what is new, too."""
        groups: dict[tuple[str, Device, Precision], list[Matchup]] = {}
        for matchup in self.matchups:
            if matchup.is_open or (pair == INSPECTION and "new" in matchup.tallies):
                case = matchup.tallies["new"].case
                key = (matchup.implementation, case.device, case.problem.precision)
                groups.setdefault(key, []).append(matchup)
        return groups

    def _work(self, group: Sequence[Matchup], side: str, pair: int, position: int) -> None:
        """Run one side's process over the group's open cases; inspect it even if the other side's failed."""
        open_ = [matchup for matchup in group if matchup.is_open or pair == INSPECTION]
        there = [matchup.tallies[side] for matchup in open_ if side in matchup.tallies]
        tallies = [tally for tally in there if not tally.fault]
        if not tallies:
            return
        name = group[0].implementation
        what = "inspection" if pair == INSPECTION else f"pair {pair + 1} of at most {group[0].rule.max_pairs}"
        self.crew.observer.advanced(f"{what}: {name} on {tallies[0].case.device}, {side}")
        turn = Turn(
            round=pair,
            position=position,
            name=f"{pair:02}-{position:02}-{side}",
            sample_s=0.0 if pair == INSPECTION else self.sample_s,
            caches=self.crew.folder / "caches" / side / name,
        )
        self.crew.work(tallies, turn)

    def _decide(self, group: Sequence[Matchup]) -> None:
        """Close the cases whose pairs say enough."""
        for matchup in group:
            if not matchup.is_open or not matchup.ratios:
                continue
            if self.stops_early:
                matchup.decision = decide(matchup.ratios, matchup.rule, n_cases=self.n_cases)
            elif len(matchup.ratios) == matchup.rule.max_pairs:
                matchup.decision = assess(matchup.ratios, matchup.rule, n_cases=self.n_cases)


def set_thresholds(
    matchups: Sequence[Matchup], given: Mapping[str, float], known: Calibration | None
) -> None:
    """Take each case's threshold from what the user says, else from the calibration, else leave the rule's.

    Raises:
        UsageError: what the user says fits no case.

    """
    names = [matchup.name for matchup in matchups]
    require_fitting(given, names)
    for matchup in matchups:
        threshold = threshold_for(matchup.name, given, known, default=matchup.rule.threshold)
        matchup.rule = matchup.rule.with_threshold(threshold)
