"""Runs `perceptron-bench campaign` with jobs whose `run` only pretends to measure, one problem each.

    python -m tests.campaign.pretended campaign ARGUMENTS…

All processes are the real ones, from submitit's to the job's.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.campaign import follow, jobs
from benchmarks.cases.problems import NAMED
from benchmarks.cli.main import main
from tests.campaign.pretended_run import PRETEND_S, RECORDS, name_of
from tests.cli.jobs import with_benchmarks, write_document
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

BOOT = jobs.BOOT.replace(
    "benchmarks.campaign.job import main; main()", "tests.campaign.pretended_run import start; start()"
)
PROBLEMS = ("book", "small")


def pretend() -> None:
    """Let the jobs of a campaign in this process pretend, and look at them often."""
    jobs.BOOT = BOOT
    follow.POLL_S = {True: 0.05, False: 0.05}


def variables(folder: Path, measuring_s: float) -> dict[str, str]:
    """Make the records that the jobs copy, and return the variables that the jobs need."""
    folder.mkdir(parents=True, exist_ok=True)
    for problem in PROBLEMS:
        row = timed("torch_eager", [1e-3] * 6, problem=NAMED[problem])
        for by in (None, "SIGTERM"):
            run = run_of_day(0, row, settings={"suite": None, "interrupted": by})
            write_document(with_benchmarks(run), folder / name_of(problem, interrupted=bool(by)))
    return {PRETEND_S: str(measuring_s), RECORDS: str(folder)}


if __name__ == "__main__":
    pretend()
    sys.exit(main(sys.argv[1:]))
