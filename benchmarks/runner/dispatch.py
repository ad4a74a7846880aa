"""Starts a worker over some cases, and judges what it says; a case that kills it costs the others nothing."""

from __future__ import annotations

import traceback
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.records.row import Verdict
from benchmarks.runner.case import CaseResult, Fault
from benchmarks.runner.launch import launch, recall
from benchmarks.worker.messages import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.runner.launch import Report
    from impls.contract import Device


INSPECTION = -1
"""The round before the timed ones: with empty caches, each process verifies, and looks instead of timing."""


class Observer(Protocol):
    """Is told how the contest goes on; see benchmarks.runner.progress."""

    def planned(self, n_workers: int) -> None:
        """From here on, so many workers are to come."""

    def advanced(self, description: str) -> None:
        """A worker with this description starts; the one before it has ended."""

    def recalled(self) -> None:
        """The worker that was just named need not run: its result is there from before the run was killed."""


@dataclass(frozen=True, kw_only=True)
class WorkerRun:
    """One worker's place in a run."""

    round: int
    position: int  # in the round's order, from 0
    name: str  # of the worker's files
    sample_s: float  # 0: verify and look, time nothing
    caches: Path  # the compilers' folder


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """How workers are started. Their files go into the folder."""

    folder: Path
    observer: Observer
    cpus: tuple[int, ...] = ()
    worker_timeout_s: float
    counter: Path | None = None  # by which those that are timed count, too; see benchmarks.ab.instructions

    def work(
        self,
        case_results: Sequence[CaseResult],
        worker_run: WorkerRun,
        *,
        siblings: Sequence[CaseResult] = (),
    ) -> None:
        """Measure these cases of one implementation and device; if one kills the worker, go on behind it.

        Where the implementation can't be loaded or can't run there, that ends its siblings' part too.
        """
        if not case_results:
            return
        case, counter = (
            case_results[0].case,
            str(self.counter) if self.counter and worker_run.sample_s else None,
        )
        job = Job(
            path=str(case.entry.path),
            framework=case.entry.framework,
            devices=(case.device,),
            problems=tuple(case_result.case.problem for case_result in case_results),
            cpus=self.cpus,
            sample_s=worker_run.sample_s,
            worker_timeout_s=self.worker_timeout_s,
            # Under valgrind it is another processor: what was compiled for the real one may not run there.
            caches=str(worker_run.caches / "counted" if counter else worker_run.caches),
            counter=counter,
            runtime=case.runtime,
        )
        report = self._report(job, f"{worker_run.name}-{case.device}-{len(case_results)}")
        if fault := readiness_faults(report)[case.device]:
            for case_result in siblings or case_results:
                case_result.rule_out(fault.verdict, fault.reason, fault.details)
            return
        for case_result, result in zip(case_results, report.results, strict=False):
            try:
                case_result.judge(
                    result,
                    round_=worker_run.round,
                    position=worker_run.position,
                    n_cores=max(1, len(self.cpus)),
                )
            except Exception as error:  # noqa: BLE001 - one case that can't be judged must not cost the others
                reason = f"could not be judged: {type(error).__name__}: {error}"
                case_result.rule_out(Verdict.FAILED, reason, traceback.format_exc())
        unanswered = case_results[len(report.results) :]
        if unanswered and not report.cut_short:
            unanswered[0].rule_out(Verdict.FAILED, report.death or "gave no answer", report.log)
            unanswered = unanswered[1:]
        self.work(unanswered, worker_run)

    def _report(self, job: Job, name: str) -> Report:
        """Start the worker, unless its report is there from a run that was killed."""
        if report := recall(job, self.folder, name):
            self.observer.recalled()
            return report
        return launch(job, self.folder, name)


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


def probe(
    entry: ImplementationFile, devices: Sequence[Device], folder: Path
) -> Mapping[Device, Fault | None]:
    """Ask one implementation, in a process of its own, on which of the devices it can run."""
    job = Job(path=str(entry.path), framework=entry.framework, devices=tuple(devices))
    return readiness_faults(launch(job, folder, f"probe-{entry.name}"))
