"""The rounds: fresh workers in shuffled order, each answer verified as it arrives."""

import math
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.cases.implementations import ImplementationFile
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, Dispatcher, ProgressListener, WorkerRun
from benchmarks.runner.settings import Settings
from benchmarks.runner.signals import INTERRUPTED, interruptible
from impls.contract import Device, Precision, Problem

PROBLEMS_PER_BLOCK = 4
"""Problems measured together: the two sides of a ratio are minutes apart at most, however many cases."""


def run_rounds(
    cases: Sequence[Case], settings: Settings, folder: Path, progress: ProgressListener
) -> tuple[list[CaseResult], str | None]:
    """Measure the cases; the workers' files go into the folder. Also return the interruption, if any.

    After Ctrl-C, SIGTERM, SIGHUP or a full disk, all that was measured is kept. A worker whose files an
    earlier run left in the folder is not started again.
    """
    results = [CaseResult.of(case) for case in cases]
    dispatcher = Dispatcher(
        folder=folder,
        progress=progress,
        cpus=settings.cpus,
        worker_timeout_s=settings.worker_timeout_s,
        n_unseen=settings.n_unseen,
    )
    try:
        with interruptible():
            _Rounds(results, settings, dispatcher).run()
    except KeyboardInterrupt:
        return results, INTERRUPTED
    except OSError as error:
        return results, str(error)
    finally:
        for result in results:
            result.settle()
    return results, None


@dataclass(frozen=True)
class _Rounds:
    """The results, and all that each round needs to add to them."""

    results: list[CaseResult]
    settings: Settings
    dispatcher: Dispatcher

    @cached_property
    def blocks(self) -> list[list[Problem]]:
        problems = list(dict.fromkeys(result.case.problem for result in self.results))
        return [problems[i : i + PROBLEMS_PER_BLOCK] for i in range(0, len(problems), PROBLEMS_PER_BLOCK)]

    def run(self) -> None:
        """Run each block's rounds, the inspection first."""
        rounds = range(INSPECTION, self.settings.rounds)
        start = time.monotonic()
        for block in range(len(self.blocks)):
            round_start = block_start = time.monotonic()
            share_s = self._share_s(block, block_start - start)
            for round_ in rounds:
                now = time.monotonic()
                if round_ > 0 and now - block_start + (now - round_start) > share_s:  # as long as the latest
                    break
                round_start = now
                later = sum(len(self._groups(b)) for b in range(block + 1, len(self.blocks)))
                here = len(self._groups(block))
                self.dispatcher.progress.planned(here * (self.settings.rounds - round_) + later * len(rounds))
                self.run_round(block, round_)

    def _share_s(self, block: int, elapsed_s: float) -> float:
        """Return the time for this block: an equal share of the remaining time for each remaining block."""
        if self.settings.max_time_s is None:
            return math.inf
        return (self.settings.max_time_s - elapsed_s) / (len(self.blocks) - block)

    def _groups(self, block: int) -> dict[tuple[ImplementationFile, Device, Precision], list[CaseResult]]:
        """Group the block's cases that have not ended: one process measures one group."""
        groups: dict[tuple[ImplementationFile, Device, Precision], list[CaseResult]] = {}
        for result in self.results:
            case = result.case
            if not result.end_reason and case.problem in self.blocks[block]:
                groups.setdefault((case.entry, case.device, case.problem.precision), []).append(result)
        return groups

    def run_round(self, block: int, round_: int) -> None:
        """Start one fresh worker per implementation, device and precision, in shuffled order."""
        groups = self._groups(block)
        order = list(groups)
        # Seeded anew: whatever ran before or was left out, a resumed run finds its files.
        shuffle = random.Random(f"{self.settings.seed}-{block}-{round_}").shuffle  # noqa: S311 - no secret
        shuffle(order)
        stage = "inspection" if round_ == INSPECTION else f"round {round_ + 1} of {self.settings.rounds}"
        if len(self.blocks) > 1:
            stage = f"block {block + 1} of {len(self.blocks)}, {stage}"
        for position, (entry, device, precision) in enumerate(order):
            results = groups[entry, device, precision]
            shuffle(results)
            lowered = "" if precision == "float32" else f" in {precision}"
            self.dispatcher.progress.advanced(f"{stage}: {entry.name} on {device}{lowered}")
            worker_run = WorkerRun(
                round=round_,
                position=position,
                name=f"{block:02}-{round_:02}-{position:02}-{entry.name}",
                sample_s=0.0 if round_ == INSPECTION else self.settings.sample_s,
                caches=self.settings.caches or self.dispatcher.folder / "caches" / f"{entry.name}-{device}",
            )
            if round_ == INSPECTION and self.settings.rounds and self.settings.caches is None:
                self._inspect(results, worker_run)
            else:
                self.dispatcher.work(results, worker_run)

    def _inspect(self, results: Sequence[CaseResult], worker_run: WorkerRun) -> None:
        """Inspect each case in its own process with empty caches: no other case warms its first call."""
        cold = self.dispatcher.folder / "caches" / "cold"
        for i, result in enumerate(results):
            if result.end_reason:  # an implementation that can't be loaded has ended all of its cases
                continue
            shutil.rmtree(cold, ignore_errors=True)
            self.dispatcher.work(
                [result],
                replace(worker_run, name=f"{worker_run.name}-{i}", caches=cold),
                siblings=results,
            )
            if cold.exists():  # not if an earlier run of the harness left the result and copied its caches
                shutil.copytree(cold, worker_run.caches, dirs_exist_ok=True)
