"""The rounds: fresh workers in shuffled order, each result verified as it comes in."""

from __future__ import annotations

import contextlib
import math
import random
import shutil
import signal
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, Tally
from benchmarks.runner.dispatch import INSPECTION, Crew, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.cases.implementations import Entry
    from benchmarks.runner.dispatch import Observer
    from impls.contract import Device, Precision


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure."""

    rounds: int = 6  # timed; 6 are the fewest that allow a 95 % interval of a median; 0: verify only
    sample_s: float = 0.4
    time_limit_s: float = 120.0
    budget_s: float | None = None  # begin no round that would end later; each heat's first one always runs
    cpus: tuple[int, ...] = ()
    seed: int = 0  # of the shuffled order
    caches: Path | None = None  # where compilers keep what they compile; None: a new, empty folder


HEAT = 4
"""Problems measured together: the two sides of a ratio are minutes apart at most, however many cases."""


def run_contest(
    cases: Sequence[Case], settings: Settings, folder: Path, observer: Observer
) -> tuple[list[Tally], str | None]:
    """Measure the cases; the workers' files go into the folder. Also say what cut it short, if anything did.

    Ctrl-C, SIGTERM and a full disk do; what was measured by then is kept. Workers whose files are in the
    folder already, from a run that was killed, are not started again.
    """
    contest = _Contest([Tally(case) for case in cases], settings, folder, observer)
    for tally in contest.tallies:
        if reason := tally.case.hindrance:
            tally.rule_out(Verdict.NOT_MEASURED, reason)
    try:
        contest.run()
    except KeyboardInterrupt:
        return contest.tallies, "Ctrl-C or SIGTERM"
    except OSError as error:
        return contest.tallies, str(error)
    return contest.tallies, None


class _Contest:
    """The tallies, and what each round needs to add to them."""

    def __init__(self, tallies: list[Tally], settings: Settings, folder: Path, observer: Observer) -> None:
        self.tallies = tallies
        self.settings = settings
        self.folder = folder
        self.observer = observer
        self.crew = Crew(
            folder=folder, observer=observer, cpus=settings.cpus, time_limit_s=settings.time_limit_s
        )
        self.measures_cold = settings.rounds > 0 and settings.caches is None
        problems = list(dict.fromkeys(tally.case.problem for tally in tallies))
        self.heats = [problems[i : i + HEAT] for i in range(0, len(problems), HEAT)]

    def run(self) -> None:
        """Go through all heats and their rounds, the inspection first."""
        rounds = range(INSPECTION, self.settings.rounds)
        start = time.monotonic()
        for heat in range(len(self.heats)):
            round_start = heat_start = time.monotonic()
            share_s = self._share_s(heat, heat_start - start)
            for round_ in rounds:
                now = time.monotonic()
                if round_ > 0 and now - heat_start + (now - round_start) > share_s:  # as long as the latest
                    break
                round_start = now
                to_come = sum(len(self._groups(later)) for later in range(heat + 1, len(self.heats)))
                here = len(self._groups(heat))
                self.observer.planned(here * (self.settings.rounds - round_) + to_come * len(rounds))
                self.run_round(heat, round_)

    def _share_s(self, heat: int, elapsed_s: float) -> float:
        """Give what the heat may take: of what is left of the budget, as much as each heat to come."""
        if self.settings.budget_s is None:
            return math.inf
        return (self.settings.budget_s - elapsed_s) / (len(self.heats) - heat)

    def _groups(self, heat: int) -> dict[tuple[Entry, Device, Precision], list[Tally]]:
        """Give a heat's cases that are still in it, by what one process measures."""
        groups: dict[tuple[Entry, Device, Precision], list[Tally]] = {}
        for tally in self.tallies:
            case = tally.case
            if not tally.fault and case.problem in self.heats[heat]:
                groups.setdefault((case.entry, case.device, case.problem.precision), []).append(tally)
        return groups

    def run_round(self, heat: int, round_: int) -> None:
        """Start one fresh worker per implementation, device and precision, in shuffled order."""
        groups = self._groups(heat)
        order = list(groups)
        # Of its own: what came before, or was left out, doesn't change where a resumed run finds its files.
        shuffle = random.Random(f"{self.settings.seed}-{heat}-{round_}").shuffle  # noqa: S311 - not a secret
        shuffle(order)
        what = "inspection" if round_ == INSPECTION else f"round {round_ + 1} of {self.settings.rounds}"
        if len(self.heats) > 1:
            what = f"heat {heat + 1} of {len(self.heats)}, {what}"
        for position, (entry, device, precision) in enumerate(order):
            tallies = groups[entry, device, precision]
            shuffle(tallies)
            lowered = "" if precision == "float32" else f" in {precision}"
            self.observer.advanced(f"{what}: {entry.name} on {device}{lowered}")
            turn = Turn(
                round=round_,
                position=position,
                name=f"{heat:02}-{round_:02}-{position:02}-{entry.name}",
                sample_s=0.0 if round_ == INSPECTION else self.settings.sample_s,
                caches=self.settings.caches or self.folder / "caches" / f"{entry.name}-{device}",
            )
            if round_ == INSPECTION and self.measures_cold:
                self._inspect(tallies, turn)
            else:
                self.crew.work(tallies, turn)

    def _inspect(self, tallies: Sequence[Tally], turn: Turn) -> None:
        """Give each case a process and caches of its own: its first call and its memory are nobody else's."""
        cold = self.folder / "caches" / "cold"
        for i, tally in enumerate(tallies):
            if tally.fault:  # one that can't be loaded has ended the part of all
                continue
            shutil.rmtree(cold, ignore_errors=True)
            self.crew.work([tally], replace(turn, name=f"{turn.name}-{i}", caches=cold), siblings=tallies)
            if cold.exists():  # not where the worker need not run: an earlier run of the harness saw to it
                shutil.copytree(cold, turn.caches, dirs_exist_ok=True)


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let a polite kill, as from a CI system that has lost patience, keep what was measured."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
