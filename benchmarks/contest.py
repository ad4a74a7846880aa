"""The rounds: fresh workers in shuffled order, each result verified as it comes in."""

from __future__ import annotations

import random
import shutil
import time
import traceback
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.environment import lacks
from benchmarks.job import Job
from benchmarks.launch import launch, recall
from benchmarks.record import Verdict
from benchmarks.tally import Fault, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.discover import Entry
    from benchmarks.launch import Report
    from benchmarks.tally import Case
    from impls.contract import Device


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure."""

    rounds: int = 6  # timed; 6 are the fewest that allow a 95 % interval of a median; 0: verify only
    sample_s: float = 0.4
    time_limit_s: float = 120.0
    budget_s: float | None = None  # begin no round that would end later than this; the first one always runs
    cpus: tuple[int, ...] = ()
    seed: int = 0  # of the shuffled order
    caches: Path | None = None  # where compilers keep what they compile; None: a new, empty folder


INSPECTION = -1
"""The round before the timed ones: with empty caches, each process verifies, and looks instead of timing."""

HEAT = 4
"""Problems measured together: the two sides of a ratio are minutes apart at most, however many cases."""


class Observer(Protocol):
    """Is told how the contest goes on; see benchmarks.progress."""

    def planned(self, n_workers: int) -> None:
        """From here on, so many workers are to come."""

    def advanced(self, description: str) -> None:
        """A worker with this description starts; the one before it has ended."""

    def recalled(self) -> None:
        """The worker that was just named need not run: its result is there from before the run was killed."""


def run_contest(
    cases: Sequence[Case], settings: Settings, folder: Path, observer: Observer
) -> tuple[list[Tally], str | None]:
    """Measure the cases; the workers' files go into the folder. Also say what cut it short, if anything did.

    Ctrl-C, SIGTERM and a full disk do; what was measured by then is kept. Workers whose files are in the
    folder already, from a run that was killed, are not started again.
    """
    contest = _Contest([Tally(case) for case in cases], settings, folder, observer)
    for tally in contest.tallies:
        case = tally.case
        if reason := lacks(case.device) or case.entry.declines(case.problem):
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
        self.shuffle = random.Random(settings.seed).shuffle  # noqa: S311 - an order, not a secret
        self.measures_cold = settings.rounds > 0 and settings.caches is None
        problems = list(dict.fromkeys(tally.case.problem for tally in tallies))
        self.heats = [problems[i : i + HEAT] for i in range(0, len(problems), HEAT)]

    def run(self) -> None:
        """Go through all heats and their rounds, the inspection first."""
        rounds = range(INSPECTION, self.settings.rounds)
        start = round_start = time.monotonic()
        for heat in range(len(self.heats)):
            for round_ in rounds:
                now = time.monotonic()
                if round_ > 0 and self._would_end_late(now - start, now - round_start):
                    break
                round_start = now
                to_come = sum(len(self._groups(later)) for later in range(heat + 1, len(self.heats)))
                here = len(self._groups(heat))
                self.observer.planned(here * (self.settings.rounds - round_) + to_come * len(rounds))
                self.run_round(heat, round_)

    def _would_end_late(self, elapsed_s: float, round_s: float) -> bool:
        """Say whether another round, as long as the latest, leaves the budget."""
        return self.settings.budget_s is not None and elapsed_s + round_s > self.settings.budget_s

    def _groups(self, heat: int) -> dict[tuple[Entry, Device], list[Tally]]:
        """Give a heat's cases that are still in it, by what one process measures."""
        groups: dict[tuple[Entry, Device], list[Tally]] = {}
        for tally in self.tallies:
            if not tally.fault and tally.case.problem in self.heats[heat]:
                groups.setdefault((tally.case.entry, tally.case.device), []).append(tally)
        return groups

    def run_round(self, heat: int, round_: int) -> None:
        """Start one fresh worker per implementation and device, in shuffled order."""
        groups = self._groups(heat)
        order = list(groups)
        self.shuffle(order)
        what = "inspection" if round_ == INSPECTION else f"round {round_ + 1} of {self.settings.rounds}"
        if len(self.heats) > 1:
            what = f"heat {heat + 1} of {len(self.heats)}, {what}"
        for position, (entry, device) in enumerate(order):
            tallies = groups[entry, device]
            self.shuffle(tallies)
            self.observer.advanced(f"{what}: {entry.name} on {device}")
            name = f"{heat:02}-{round_:02}-{position:02}-{entry.name}"
            if round_ == INSPECTION and self.measures_cold:
                self._inspect(tallies, position, name)
            else:
                self.run_worker(tallies, round_, position, name=name)

    def _inspect(self, tallies: Sequence[Tally], position: int, name: str) -> None:
        """Give each case a process of its own: its first call and its memory are nobody else's."""
        for i, tally in enumerate(tallies):
            if not tally.fault:  # one that can't be loaded has ended the part of all
                self.run_worker([tally], INSPECTION, position, name=f"{name}-{i}", siblings=tallies)

    def run_worker(
        self,
        tallies: Sequence[Tally],
        round_: int,
        position: int,
        *,
        name: str,
        siblings: Sequence[Tally] = (),
    ) -> None:
        """Measure these cases of one implementation and device; if one kills the worker, go on behind it.

        Where the implementation can't be loaded or can't run there, that ends its siblings' part too.
        """
        if not tallies:
            return
        case = tallies[0].case
        shared = self.settings.caches or self.folder / "caches" / f"{case.entry.name}-{case.device}"
        cold = round_ == INSPECTION and self.measures_cold
        caches = self.folder / "caches" / "cold" if cold else shared
        job = Job(
            path=str(case.entry.path),
            framework=case.entry.framework,
            devices=(case.device,),
            problems=tuple(tally.case.problem for tally in tallies),
            cpus=self.settings.cpus,
            sample_s=0.0 if round_ == INSPECTION else self.settings.sample_s,
            time_limit_s=self.settings.time_limit_s,
            caches=str(caches),
        )
        file_name = f"{name}-{case.device}-{len(tallies)}"
        report = recall(job, self.folder, file_name)
        if report:
            self.observer.recalled()
        else:
            if cold:
                shutil.rmtree(caches, ignore_errors=True)
            report = launch(job, self.folder, file_name)
            if cold and caches.exists():
                shutil.copytree(caches, shared, dirs_exist_ok=True)
        if fault := readiness_faults(report)[case.device]:
            for tally in siblings or tallies:
                tally.rule_out(fault.verdict, fault.reason, fault.details)
            return
        n_cores = max(1, len(self.settings.cpus))
        for tally, result in zip(tallies, report.results, strict=False):
            try:
                tally.judge(result, round_=round_, position=position, n_cores=n_cores)
            except Exception as error:  # noqa: BLE001 - one case that can't be judged must not cost the others
                reason = f"could not be judged: {type(error).__name__}: {error}"
                tally.rule_out(Verdict.FAILED, reason, traceback.format_exc())
        unanswered = tallies[len(report.results) :]
        if unanswered and not report.cut_short:
            unanswered[0].rule_out(Verdict.FAILED, report.death or "gave no answer", report.log)
            unanswered = unanswered[1:]
        self.run_worker(unanswered, round_, position, name=name)


def readiness_faults(report: Report) -> Mapping[Device, Fault | None]:
    """Say for each device that was asked for why the implementation can't be measured there, or None."""
    if report.readiness is None:
        reason = f"could not be loaded: {report.death}"
        fault = Fault(verdict=Verdict.FAILED, reason=reason, details=report.log)
        return defaultdict(lambda: fault)
    return {
        device: Fault(verdict=Verdict.NOT_MEASURED, reason=reason) if reason else None
        for device, reason in report.readiness.unavailable.items()
    }


def probe(entry: Entry, devices: Sequence[Device], folder: Path) -> Mapping[Device, Fault | None]:
    """Ask one implementation, in a process of its own, on which of the devices it can run."""
    job = Job(path=str(entry.path), framework=entry.framework, devices=tuple(devices))
    return readiness_faults(launch(job, folder, f"probe-{entry.name}"))
