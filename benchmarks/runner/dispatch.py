"""Starts a worker over some cases and verifies its answers; a case that kills it costs no other case."""

import hashlib
import secrets
import traceback
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Protocol

from benchmarks.cases.unseen import variant_of
from benchmarks.errors import shortened
from benchmarks.records.row import Check, Verdict
from benchmarks.runner.answers import Report
from benchmarks.runner.case import Case, CaseResult, EndReason
from benchmarks.runner.launch import Beside, launch, recall
from benchmarks.verify.unseen import UNSEEN
from benchmarks.worker.messages import Job
from benchmarks.worker.turns import Place
from impls.contract import Device

SEED_BITS = 48
"""Of the seed of unseen values. Each process has another: what it leaves on disk is of no use to the next."""

STRAYS = "processes that outlive the worker, in whatever session: expected none"
"""What is wrong with an implementation that leaves some."""

INSPECTION = 0
"""The round whose processes begin with empty caches, and inspect what they have timed."""


class ProgressListener(Protocol):
    """Hears which worker runs; see benchmarks.runner.progress."""

    def planned(self, n_workers: int) -> None:
        """From here on, this many workers follow."""

    def advanced(self, description: str) -> None:
        """The worker with this description starts; the one before it has ended, or they prepare at once."""

    def recalled(self) -> None:
        """The worker that was named last need not run: the run that was killed left its result."""


@dataclass(frozen=True, kw_only=True)
class WorkerRun:
    """One worker's place in a run."""

    round: int
    position: int  # in the round's order, from 0
    name: str  # of the worker's files
    sample_s: float  # 0: verify and inspect, time nothing
    inspects: bool = False  # also after timing
    caches: Path  # the compilers' folder
    side: str = ""  # of a comparison: it has its own caches
    beside: Beside | None = None  # what it shares with the other side's worker; None: it works alone


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """How workers are started. Their files go into the folder."""

    folder: Path
    progress: ProgressListener
    cpus: tuple[int, ...] = ()
    spare_cpus: tuple[int, ...] = ()  # where a worker can prepare beside another; none: they work one by one
    worker_timeout_s: float
    wakes: bool = True  # frameworks before first calls, which are then comparable
    counter: Path | None = None  # by which timed workers also count; see benchmarks.ab.instructions
    n_unseen: int = 1  # combinations of sizes; see benchmarks.cases.unseen
    unseen: dict[Hashable, Check] = field(default_factory=dict)  # what these trainings showed, by variant

    def work_at_once(self, workers: Sequence[tuple[Sequence[CaseResult], WorkerRun]]) -> None:
        """Let two workers prepare at the same time; they are timed in this order. A signal ends both."""
        places = [Place.at(self._gate, is_first=turn == 0) for turn in range(len(workers))]
        stop = Event()

        def work(turn: int) -> None:
            results, worker_run = workers[turn]
            with closing(places[turn]) as place:
                self.work(results, replace(worker_run, beside=Beside(turn=turn, place=place, stop=stop)))

        with ThreadPoolExecutor() as pool:
            try:
                for _ in pool.map(work, range(len(workers))):
                    pass
            except BaseException:
                stop.set()
                raise

    @property
    def _gate(self) -> str:
        return str(self.folder / "gate")

    def work(
        self,
        results: Sequence[CaseResult],
        worker_run: WorkerRun,
        *,
        siblings: Sequence[CaseResult] = (),
    ) -> None:
        """Measure these cases of one process; continue after a case that kills the worker.

        An implementation that can't be loaded or can't run on the device ends its siblings, too.
        """
        results = self._without_unseen_faults(results)
        if not results:
            return
        job, name = self._job(results, worker_run), _name_of(results, worker_run)
        report = self._report(job, name, worker_run)
        if end := unavailable_reasons(report)[results[0].case.device]:
            for result in siblings or results:
                result.end(**vars(end))
            return
        for result, answer in zip(results, report.results, strict=False):
            try:
                result.add(
                    answer,
                    round_=worker_run.round,
                    position=worker_run.position,
                    wall_s=report.wall_s,
                    hosts=report.hosts,
                )
            except Exception as error:  # noqa: BLE001 - it costs only its own case
                reason = f"could not be verified: {type(error).__name__}: {error}"
                result.end(Verdict.FAILED, reason, traceback.format_exc())
            if UNSEEN in result.manifest:
                self.unseen[_variant_key(result)] = result.manifest[UNSEEN]
        self._without_unseen_faults(results)
        unanswered = results[len(report.results) :]
        if unanswered and not report.cut_short:
            if not unanswered[0].end_reason:
                unanswered[0].end(Verdict.FAILED, report.error or "gave no answer", report.log)
            unanswered = unanswered[1:]
        if unanswered and (beside := worker_run.beside):  # the others wait for the next worker, too
            with closing(Place.at(self._gate, is_first=beside.turn == 0)) as place:
                self.work(unanswered, replace(worker_run, beside=replace(beside, place=place)))
        else:
            self.work(unanswered, worker_run)

    def _without_unseen_faults(self, results: Sequence[CaseResult]) -> Sequence[CaseResult]:
        """Let the cases of one variant share what one of them showed; return those that go on."""
        for result in results:
            check = self.unseen.get(_variant_key(result))
            if check and UNSEEN not in result.manifest and not result.end_reason:
                result.manifest[UNSEEN] = check
                if not check.holds:
                    result.end(Verdict.INVALID, check.fault)
        return [result for result in results if not result.end_reason]

    def _job(self, results: Sequence[CaseResult], worker_run: WorkerRun) -> Job:
        case = results[0].case
        counter = str(self.counter) if self.counter and worker_run.sample_s else None
        caches = self.folder / f"caches-{_key_of(case, worker_run.side)}"  # the same in each round
        cpus, beside = self.cpus[-case.n_ranks * case.n_cores :], worker_run.beside
        return Job(
            path=str(case.entry.path),
            framework=case.entry.framework,
            devices=(case.device,),
            problems=tuple(result.case.problem for result in results),
            n_ranks=case.n_ranks,
            cpus=cpus,
            prepare_on=(self.spare_cpus, cpus)[beside.turn] if beside else (),
            gate=self._gate if beside else None,
            is_first=beside is not None and beside.turn == 0,
            wakes=self.wakes,
            sample_s=worker_run.sample_s,
            inspects=worker_run.inspects,
            worker_timeout_s=self.worker_timeout_s,
            n_unseen=self._n_unseen(results, worker_run),
            # Under valgrind it is another processor: code compiled for the real one may not run there.
            caches=str(caches / "counted" if counter else caches),
            counter=counter,
            runtime=case.runtime,
        )

    def _n_unseen(self, results: Sequence[CaseResult], worker_run: WorkerRun) -> int:
        """Return how many combinations to inspect: none where all variants have been inspected."""
        known = all(_variant_key(result) in self.unseen for result in results)
        return self.n_unseen if worker_run.inspects and not known else 0

    def _report(self, job: Job, name: str, worker_run: WorkerRun) -> Report:
        """Let the worker measure, unless a run that was killed left its report."""
        if report := recall(job, self.folder, name):
            self.progress.recalled()
            return report
        self._open_caches(job, worker_run.caches)
        job = replace(job, unseen_seed=secrets.randbits(SEED_BITS))
        return launch(job, self.folder, name, worker_run.beside)

    def _open_caches(self, job: Job, caches: Path) -> None:
        """Let the name by which the job knows its caches lead to them: it does not tell what they are for."""
        caches.mkdir(parents=True, exist_ok=True)
        link = self.folder / Path(str(job.caches)).relative_to(self.folder).parts[0]
        link.unlink(missing_ok=True)
        link.symlink_to(caches.resolve())


def _name_of(results: Sequence[CaseResult], worker_run: WorkerRun) -> str:
    """Return the name of a worker's files."""
    return f"{worker_run.name}-{results[0].case.device}-{len(results)}"


def _key_of(case: Case, side: str) -> str:
    """Return eight digits for what a case's workers compile and run in: no name of a folder is longer."""
    compiled = repr((side, str(case.entry.path), case.place, case.runtime))
    return hashlib.sha256(compiled.encode()).hexdigest()[:8]


def _variant_key(result: CaseResult) -> Hashable:
    """Return all that makes a case another program on unseen problems: everything but its sizes."""
    case = result.case
    return case.process_key, case.runtime, variant_of(case.problem)


def unavailable_reasons(report: Report) -> Mapping[Device, EndReason | None]:
    """Return for each requested device why the implementation can't be measured there, or None."""
    if report.n_strays:
        end = EndReason(verdict=Verdict.INVALID, reason=f"{STRAYS}, found {report.n_strays}")
        return defaultdict(lambda: end)
    if report.readiness is None:
        reason = shortened(f"could not be loaded: {report.error}")
        end = EndReason(verdict=Verdict.FAILED, reason=reason, details=report.log)
        return defaultdict(lambda: end)
    ends = {
        device: EndReason(verdict=Verdict.NOT_MEASURED, reason=shortened(reason)) if reason else None
        for device, reason in report.readiness.unavailable.items()
    }
    return defaultdict(lambda: None, ends)
