"""The rounds: fresh workers in shuffled order, each result verified as it comes in."""

from __future__ import annotations

import random
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks import agreement, fairness
from benchmarks.environment import lacks
from benchmarks.job import Failure, Job
from benchmarks.launch import launch
from benchmarks.record import Process, Row, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.agreement import Agreement
    from benchmarks.discover import Entry
    from benchmarks.job import Measurement
    from benchmarks.launch import Report
    from impls.contract import Device, Problem


@dataclass(frozen=True)
class Case:
    """What a row is about."""

    entry: Entry
    device: Device
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure."""

    rounds: int = 6  # the fewest that allow a 95 % interval of a median
    sample_s: float = 0.4
    time_limit_s: float = 120.0
    cpus: tuple[int, ...] = ()
    seed: int = 0  # of the shuffled order


class Observer(Protocol):
    """Is told how the contest goes on; see benchmarks.progress."""

    def planned(self, n_workers: int) -> None:
        """From here on, so many workers are to come."""

    def advanced(self, description: str) -> None:
        """A worker with this description starts; the one before it has ended."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What ended a case's part in the contest."""

    verdict: Verdict
    reason: str
    details: str = ""  # a traceback or a log, for the person who mends it


UNREACHED = Fault(verdict=Verdict.NOT_MEASURED, reason="interrupted before its first round ended")


@dataclass
class Tally:
    """A case's results so far."""

    case: Case
    fault: Fault | None = None
    data_digest: str | None = None
    agreement: Agreement | None = None
    processes: list[Process] = field(default_factory=list)
    kept_s: list[float] = field(default_factory=list)  # all processes' samples, for the replay

    def rule_out(self, verdict: Verdict, reason: str, details: str = "") -> None:
        """End its part. What an invalid case took is not kept."""
        self.fault = Fault(verdict=verdict, reason=reason, details=details)
        if verdict is Verdict.INVALID:
            self.processes, self.kept_s = [], []

    def judge(self, result: Measurement | Failure, *, round_: int, position: int, n_cores: int) -> None:
        """Verify one process's result, and only then take its times."""
        if isinstance(result, Failure):
            self.rule_out(Verdict.FAILED, result.reason, result.details)
            return
        checked = agreement.check(self.case.problem, result)
        reasons = [checked.fault] if checked.fault else []
        reasons += fairness.faults(result, n_cores=n_cores)
        self.agreement = max(self.agreement or checked, checked, key=agreement.badness)
        self.data_digest = result.data_digest
        if reasons:
            self.rule_out(Verdict.INVALID, "; ".join(reasons))
        elif result.timing:
            self.kept_s.extend(result.timing.summary.kept_s)
            self.processes.append(Process.of(result.timing, round_=round_, position=position))

    def row(self) -> Row:
        """Give the record of it."""
        fault = self.fault or (None if self.agreement else UNREACHED)
        entry = self.case.entry
        return Row(
            implementation=entry.name,
            framework=entry.framework,
            tier=entry.tier,
            summary=entry.summary,
            device=self.case.device,
            problem=self.case.problem,
            data_digest=self.data_digest,
            verdict=fault.verdict if fault else Verdict.VERIFIED,
            reason=fault.reason if fault else None,
            agreement=self.agreement,
            processes=tuple(self.processes),
        )


def run_contest(
    cases: Sequence[Case], settings: Settings, folder: Path, observer: Observer
) -> tuple[list[Tally], str | None]:
    """Measure the cases; the workers' files go into the folder. Also say what cut it short, if anything did.

    Ctrl-C, SIGTERM and a full disk do; what was measured by then is kept.
    """
    contest = _Contest([Tally(case) for case in cases], settings, folder, observer)
    for tally in contest.tallies:
        case = tally.case
        if reason := lacks(case.device) or case.entry.declines(case.problem):
            tally.rule_out(Verdict.NOT_MEASURED, reason)
    try:
        for round_ in range(settings.rounds):
            contest.run_round(round_)
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

    def run_round(self, round_: int) -> None:
        """Start one fresh worker per implementation and device, in shuffled order."""
        groups: dict[tuple[Entry, Device], list[Tally]] = {}
        for tally in self.tallies:
            if not tally.fault:
                groups.setdefault((tally.case.entry, tally.case.device), []).append(tally)
        order = list(groups)
        self.shuffle(order)
        self.observer.planned(len(order) * (self.settings.rounds - round_))
        for position, (entry, device) in enumerate(order):
            tallies = groups[entry, device]
            self.shuffle(tallies)
            self.observer.advanced(f"round {round_ + 1} of {self.settings.rounds}: {entry.name} on {device}")
            self.run_worker(tallies, round_, position)

    def run_worker(self, tallies: Sequence[Tally], round_: int, position: int) -> None:
        """Measure these cases of one implementation and device; if one kills the worker, go on behind it."""
        if not tallies:
            return
        case = tallies[0].case
        job = Job(
            path=str(case.entry.path),
            framework=case.entry.framework,
            devices=(case.device,),
            problems=tuple(tally.case.problem for tally in tallies),
            cpus=self.settings.cpus,
            sample_s=self.settings.sample_s,
            time_limit_s=self.settings.time_limit_s,
        )
        name = f"{round_:02}-{position:02}-{case.entry.name}-{case.device}-{len(tallies)}"
        report = launch(job, self.folder, name)
        if fault := readiness_faults(report)[case.device]:
            for tally in tallies:
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
        if unanswered:
            unanswered[0].rule_out(Verdict.FAILED, report.death or "gave no answer", report.log)
            self.run_worker(unanswered[1:], round_, position)


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
