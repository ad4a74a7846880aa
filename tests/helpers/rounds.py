"""Runs of a few rounds over small problems, by real workers or by stand-ins that answer at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchmarks.cases.implementations import read_entry
from benchmarks.runner.answers import Report
from benchmarks.runner.case import Case
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.messages import Readiness
from impls.contract import Problem
from tests.conftest import SMALL
from tests.verify.test_agreement import measurement_of
from tests.verify.test_fairness import INSPECTION, TIMING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.worker.messages import Job

OTHER = Problem(batch_size=16, n_batches=2, n_epochs=3)


@dataclass
class Listener:
    """A progress listener that keeps all it hears; may interrupt."""

    interrupt_at: int = -1
    heard: list[str] = field(default_factory=list)

    def planned(self, n_workers: int) -> None:
        self.heard.append(f"{n_workers} workers")

    def advanced(self, description: str) -> None:
        if len(self.heard) == self.interrupt_at:
            raise KeyboardInterrupt
        self.heard.append(description)

    def recalled(self) -> None:
        self.heard[-1] += " (recalled)"


def rows_of(
    paths: list[Path], folder: Path, listener: Listener | None = None, **settings: float
) -> dict[tuple[str, Problem], Row]:
    """Measure each file on two problems; return the rows by implementation and problem."""
    cases = [Case(read_entry(path), "cpu", problem) for path in paths for problem in (SMALL, OTHER)]
    given = Settings(**{"rounds": 2, "sample_s": 0.002, "cpus": choose_cpus(1), **settings})  # type: ignore[arg-type] # settings of several types
    results, _ = run_rounds(cases, given, folder, listener or Listener())
    return {(result.case.entry.name, result.case.problem): result.row() for result in results}


def answer(job: Job, folder: Path, name: str, beside: object = None) -> Report:
    """Stand in for `benchmarks.runner.launch.launch`: a worker that is right and fair on every problem."""
    del folder, name, beside
    timing = TIMING if job.sample_s else None
    inspection = INSPECTION if job.inspects or not timing else None
    answers = tuple(
        replace(measurement_of(problem), timing=timing, inspection=inspection) for problem in job.problems
    )
    return Report(readiness=Readiness(unavailable={"cpu": None}), results=answers, error=None, log="")
