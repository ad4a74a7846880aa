"""The rounds: fresh workers in shuffled order, each answer verified as it arrives."""

import math
import random
import shutil
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

from benchmarks.runner.case import UNREACHED, Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, Dispatcher, ProgressListener, WorkerRun
from benchmarks.runner.settings import Settings
from benchmarks.runner.signals import INTERRUPTED, interruptible
from impls.contract import Problem

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
            if settings.rounds and settings.sample_s and not (result.end_reason or result.processes):
                result.end_reason = UNREACHED  # verified and not timed
    return results, None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One worker's turn in a round: its cases, which are of one implementation, place and precision."""

    description: str
    results: Sequence[CaseResult]
    siblings: Sequence[CaseResult]  # all cases of the implementation, which end if it can't be loaded
    worker_run: WorkerRun
    keeps_caches_in: Path | None = None  # it begins with an empty folder, which is then copied there

    @property
    def open_results(self) -> Sequence[CaseResult]:
        """Return the results of the cases that have not ended."""
        return [result for result in self.results if not result.end_reason]

    def empty_caches(self) -> None:
        """Remove what an interrupted run has left."""
        if self.keeps_caches_in:
            shutil.rmtree(self.worker_run.caches, ignore_errors=True)

    def keep_caches(self) -> None:
        """Let later rounds find what has been compiled."""
        if self.keeps_caches_in and self.worker_run.caches.exists():  # not if the result was recalled
            shutil.copytree(self.worker_run.caches, self.keeps_caches_in, dirs_exist_ok=True)
            shutil.rmtree(self.worker_run.caches)


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
        """Run each block's rounds; without any, its inspection."""
        start = time.monotonic()
        for block in range(len(self.blocks)):
            round_start = block_start = time.monotonic()
            share_s = self._share_s(block, block_start - start)
            for round_ in range(max(1, self.settings.rounds)):
                now = time.monotonic()
                # As long as the latest; but the inspection takes longer than a round.
                lasts_s = now - round_start if round_ - 1 > INSPECTION else 0.0
                if round_ > INSPECTION and now - block_start + lasts_s > share_s:
                    break
                round_start = now
                self.dispatcher.progress.planned(self._n_workers(block, round_))
                self.run_round(block, round_)

    def _n_workers(self, block: int, round_: int) -> int:
        """Count the workers from this round of the block on."""
        rounds = range(max(1, self.settings.rounds))
        left = [(block, later) for later in rounds[round_:]]
        left += product(range(block + 1, len(self.blocks)), rounds)
        return sum(len(self._turns(*each)) for each in left)

    def _share_s(self, block: int, elapsed_s: float) -> float:
        """Return the time for this block: an equal share of the remaining time for each remaining block."""
        if self.settings.max_time_s is None:
            return math.inf
        return (self.settings.max_time_s - elapsed_s) / (len(self.blocks) - block)

    def _groups(self, block: int) -> dict[Hashable, list[CaseResult]]:
        """Group the block's cases that have not ended: one process, or its ranks, measure one group."""
        groups: dict[Hashable, list[CaseResult]] = {}
        for result in self.results:
            if not result.end_reason and result.case.problem in self.blocks[block]:
                groups.setdefault(result.case.process_key, []).append(result)
        return groups

    def run_round(self, block: int, round_: int) -> None:
        """Start one fresh worker for each turn."""
        for turn in self._turns(block, round_):
            if turn.open_results:  # a sibling has not ended it meanwhile
                turn.empty_caches()
                self.dispatcher.progress.advanced(turn.description)
                self.dispatcher.work(turn.open_results, turn.worker_run, siblings=turn.siblings)
                turn.keep_caches()

    def _turns(self, block: int, round_: int) -> list[Turn]:
        """Return one turn per implementation, place and precision, in shuffled order.

        In the inspection each case has its own turn, with empty caches: no other case warms its first
        call. The turns of one problem follow one another.
        """
        groups = list(self._groups(block).values())
        # Seeded anew: whatever ran before or was left out, a resumed run finds its files.
        shuffle = random.Random(f"{self.settings.seed}-{block}-{round_}").shuffle  # noqa: S311 - not for security: the recorded seed has to give this order again
        shuffle(groups)
        if round_ == INSPECTION and self.settings.rounds and self.settings.caches is None:
            return [
                self._turn((block, round_, position), [result], siblings=group, cold=i)
                for i, problem in enumerate(self.blocks[block])
                for position, group in enumerate(groups)
                for result in group
                if result.case.problem == problem
            ]
        for group in groups:
            shuffle(group)
        return [self._turn((block, round_, i), group, siblings=group) for i, group in enumerate(groups)]

    def _turn(
        self,
        place: tuple[int, int, int],  # block, round, and position in the round
        results: Sequence[CaseResult],
        *,
        siblings: Sequence[CaseResult],
        cold: int | None = None,  # the number of the problem that begins with empty caches
    ) -> Turn:
        block, round_, position = place
        case, folder = results[0].case, self.dispatcher.folder / "caches"
        name = f"{block:02}-{round_:02}-{position:02}-{case.entry.name}"
        caches = self.settings.caches or folder / f"{case.entry.name}-{case.device}{case.marks}"
        is_cold = cold is not None
        return Turn(
            description=self._description(block, round_, case),
            results=results,
            siblings=siblings,
            worker_run=WorkerRun(
                round=round_,
                position=position,
                name=f"{name}-{cold}" if is_cold else name,
                sample_s=self.settings.sample_s if self.settings.rounds else 0.0,
                inspects=round_ == INSPECTION,
                caches=folder / f"cold-{position:02}-{cold}" if is_cold else caches,
            ),
            keeps_caches_in=caches if is_cold else None,
        )

    def _description(self, block: int, round_: int, case: Case) -> str:
        n_rounds, n_blocks = self.settings.rounds, len(self.blocks)
        stage = f"round {round_ + 1} of {n_rounds}" if n_rounds else ""
        if round_ == INSPECTION:
            stage = f"{stage}, with the inspection" if stage else "inspection"
        if n_blocks > 1:
            stage = f"block {block + 1} of {n_blocks}, {stage}"
        lowered = "" if case.problem.precision == "float32" else f" in {case.problem.precision}"
        return f"{stage}: {case.entry.name} on {case.place}{lowered}"
