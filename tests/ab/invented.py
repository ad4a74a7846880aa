"""Comparisons whose processes measure invented times."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.cli.main import main
from benchmarks.records.row import Verdict
from benchmarks.runner.dispatch import INSPECTION, Dispatcher
from benchmarks.worker.messages import Failure, Measurement
from benchmarks.worker.samples import summarize
from tests.verify.test_fairness import FAIR, INSPECTED

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.runner.case import CaseResult
    from benchmarks.runner.dispatch import WorkerRun

MinS: TypeAlias = Callable[[str, str, int], float]
"""Each process's fastest epoch in s, by implementation, side and pair.

Negative: the process fails. 0: it could not be checked."""

Invented: TypeAlias = Callable[[MinS], None]
"""The fixture of that name: takes the times that the processes measure."""

PROBLEM = "--problem=book,batch_size=32,n_batches=4,n_epochs=3"


@dataclass(frozen=True, kw_only=True)
class FakeDispatcher(Dispatcher):
    """Invents each process's fastest epoch, and records the order of the processes."""

    min_s: MinS
    unable: Collection[tuple[str, str]] = ()  # implementations that can't be measured on a side
    worker_runs: list[tuple[int, str, str]] = field(default_factory=list)
    at_once: list[tuple[WorkerRun, ...]] = field(default_factory=list)

    def work_at_once(self, workers: Sequence[tuple[Sequence[CaseResult], WorkerRun]]) -> None:
        """Let them work one by one, and note it."""
        self.at_once.append(tuple(worker_run for _, worker_run in workers))
        for worker in workers:
            self.work(*worker)

    def work(
        self,
        results: Sequence[CaseResult],
        worker_run: WorkerRun,
        *,
        siblings: Sequence[CaseResult] = (),
    ) -> None:
        del siblings
        side = worker_run.caches.parent.name
        for result in results:
            name = result.case.entry.name
            if (name, side) in self.unable:
                result.end(Verdict.NOT_MEASURED, "no such device")
                continue
            self.worker_runs.append((worker_run.round, name, side))
            if seconds := self.min_s(name, side, worker_run.round):
                measured = self._measured(seconds, worker_run.round)
                result.add(measured, round_=worker_run.round, position=worker_run.position)

    def _measured(self, seconds: float, pair: int) -> Measurement | Failure:
        if seconds < 0:
            return Failure(reason="it broke", details="")
        assert FAIR.timing is not None
        seen = INSPECTED.inspection if pair == INSPECTION else None
        return replace(FAIR, timing=replace(FAIR.timing, summary=summarize([seconds] * 10)), inspection=seen)


def ab(*arguments: str | Path) -> int:
    """Compare numpy_float32 with itself under another variable; return the exit status."""
    fixed = ["ab", "--impl=numpy_float32", "--new-env=A=1", PROBLEM]
    return main([*fixed, *map(str, arguments)])
