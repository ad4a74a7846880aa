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
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import INSPECTION, Dispatcher, WorkerRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.runner.dispatch import Observer
    from impls.contract import Device, Precision


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure."""

    rounds: int = 6  # timed; 6 are the fewest that allow a 95 % interval of a median; 0: verify only
    sample_s: float = 0.4
    worker_timeout_s: float = 120.0
    max_time_s: float | None = None  # begin no round that would end later; each heat's first one always runs
    cpus: tuple[int, ...] = ()
    seed: int = 0  # of the shuffled order
    caches: Path | None = None  # where compilers keep what they compile; None: a new, empty folder


PROBLEMS_PER_BLOCK = 4
"""Problems measured together: the two sides of a ratio are minutes apart at most, however many cases."""


def run_rounds(
    cases: Sequence[Case], settings: Settings, folder: Path, observer: Observer
) -> tuple[list[CaseResult], str | None]:
    """Measure the cases; the workers' files go into the folder. Also say what cut it short, if anything did.

    Ctrl-C, SIGTERM and a full disk do; what was measured by then is kept. Workers whose files are in the
    folder already, from a run that was killed, are not started again.
    """
    rounds_ = _Rounds([CaseResult(case) for case in cases], settings, folder, observer)
    for case_result in rounds_.case_results:
        if reason := case_result.case.skip_reason:
            case_result.rule_out(Verdict.NOT_MEASURED, reason)
    try:
        rounds_.run()
    except KeyboardInterrupt:
        return rounds_.case_results, "Ctrl-C or SIGTERM"
    except OSError as error:
        return rounds_.case_results, str(error)
    return rounds_.case_results, None


class _Rounds:
    """The tallies, and what each round needs to add to them."""

    def __init__(
        self, case_results: list[CaseResult], settings: Settings, folder: Path, observer: Observer
    ) -> None:
        self.case_results = case_results
        self.settings = settings
        self.folder = folder
        self.observer = observer
        self.dispatcher = Dispatcher(
            folder=folder, observer=observer, cpus=settings.cpus, worker_timeout_s=settings.worker_timeout_s
        )
        self.measures_cold = settings.rounds > 0 and settings.caches is None
        problems = list(dict.fromkeys(case_result.case.problem for case_result in case_results))
        self.blocks = [
            problems[i : i + PROBLEMS_PER_BLOCK] for i in range(0, len(problems), PROBLEMS_PER_BLOCK)
        ]

    def run(self) -> None:
        """Go through all heats and their rounds, the inspection first."""
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
                to_come = sum(len(self._groups(later)) for later in range(block + 1, len(self.blocks)))
                here = len(self._groups(block))
                self.observer.planned(here * (self.settings.rounds - round_) + to_come * len(rounds))
                self.run_round(block, round_)

    def _share_s(self, block: int, elapsed_s: float) -> float:
        """Give what the heat may take: of what is left of the budget, as much as each heat to come."""
        if self.settings.max_time_s is None:
            return math.inf
        return (self.settings.max_time_s - elapsed_s) / (len(self.blocks) - block)

    def _groups(self, block: int) -> dict[tuple[ImplementationFile, Device, Precision], list[CaseResult]]:
        """Give a heat's cases that are still in it, by what one process measures."""
        groups: dict[tuple[ImplementationFile, Device, Precision], list[CaseResult]] = {}
        for case_result in self.case_results:
            case = case_result.case
            if not case_result.fault and case.problem in self.blocks[block]:
                groups.setdefault((case.entry, case.device, case.problem.precision), []).append(case_result)
        return groups

    def run_round(self, block: int, round_: int) -> None:
        """Start one fresh worker per implementation, device and precision, in shuffled order."""
        groups = self._groups(block)
        order = list(groups)
        # Of its own: what came before, or was left out, doesn't change where a resumed run finds its files.
        shuffle = random.Random(f"{self.settings.seed}-{block}-{round_}").shuffle  # noqa: S311 - not a secret
        shuffle(order)
        what = "inspection" if round_ == INSPECTION else f"round {round_ + 1} of {self.settings.rounds}"
        if len(self.blocks) > 1:
            what = f"heat {block + 1} of {len(self.blocks)}, {what}"
        for position, (entry, device, precision) in enumerate(order):
            case_results = groups[entry, device, precision]
            shuffle(case_results)
            lowered = "" if precision == "float32" else f" in {precision}"
            self.observer.advanced(f"{what}: {entry.name} on {device}{lowered}")
            worker_run = WorkerRun(
                round=round_,
                position=position,
                name=f"{block:02}-{round_:02}-{position:02}-{entry.name}",
                sample_s=0.0 if round_ == INSPECTION else self.settings.sample_s,
                caches=self.settings.caches or self.folder / "caches" / f"{entry.name}-{device}",
            )
            if round_ == INSPECTION and self.measures_cold:
                self._inspect(case_results, worker_run)
            else:
                self.dispatcher.work(case_results, worker_run)

    def _inspect(self, case_results: Sequence[CaseResult], worker_run: WorkerRun) -> None:
        """Give each case a process and caches of its own: its first call and its memory are nobody else's."""
        cold = self.folder / "caches" / "cold"
        for i, case_result in enumerate(case_results):
            if case_result.fault:  # one that can't be loaded has ended the part of all
                continue
            shutil.rmtree(cold, ignore_errors=True)
            self.dispatcher.work(
                [case_result],
                replace(worker_run, name=f"{worker_run.name}-{i}", caches=cold),
                siblings=case_results,
            )
            if cold.exists():  # not where the worker need not run: an earlier run of the harness saw to it
                shutil.copytree(cold, worker_run.caches, dirs_exist_ok=True)


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
