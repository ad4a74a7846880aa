"""The child process: loads one implementation and measures it, a line of JSON per problem.

Started by `benchmarks.runner.launch`. The frameworks are imported here and nowhere else in the harness.
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.worker.measure import ObservedProcess, measure
from benchmarks.worker.messages import (
    Failure,
    Job,
    Message,
    Readiness,
    message_to_json,
)
from benchmarks.worker.start import die_with, load, pin
from benchmarks.worker.training import Workload, train
from impls.contract import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


THROWAWAY = Problem(n_features=3, batch_size=7, n_batches=1, n_epochs=1)
"""A problem trained once, unmeasured: else a first call would depend on which problem came first."""


def main(job_file: Path, results_file: Path, parent: int) -> None:
    """Do the job and write each answer as soon as it is there."""
    job = Job.from_json(job_file.read_text(encoding="utf-8"))
    die_with(parent)
    # Where that can't be had, a hanging worker must not outlive its parent for long.
    signal.alarm(int(job.worker_timeout_s * (len(job.problems) + 1)) + 5)
    pin(job.cpus)
    with results_file.open("a", encoding="utf-8") as file:
        for message in work(job):
            file.write(message_to_json(message) + "\n")
            file.flush()


def work(job: Job) -> Iterator[Message]:
    """Say where the implementation can run, then measure each problem."""
    if job.framework.isidentifier() and importlib.util.find_spec(job.framework) is None:
        reason = f"{job.framework} is not installed"
        yield Readiness(unavailable=dict.fromkeys(job.devices, reason))
        return
    implementation = load(Path(job.path))
    unavailable = {device: implementation.unavailable(device) for device in job.devices}
    yield Readiness(unavailable=unavailable)
    if not job.problems or unavailable[job.devices[0]]:
        return
    if (
        job.sample_s or job.framework != "numpy"
    ):  # NumPy has nothing to wake, and a kernel of its own is a cost
        with contextlib.suppress(Exception):  # what is wrong will show in the first problem, and be reported
            throwaway = replace(THROWAWAY, precision=job.precision)
            train(Workload.of(implementation, throwaway, job.devices[0]))
    counter = Path(job.counter) if job.counter else None
    process = ObservedProcess.of(job.framework, pinned=bool(job.cpus), counter=counter)
    for problem in job.problems:
        process.observer.forget_compiled()
        try:
            workload = Workload.of(implementation, problem, job.devices[0])
            yield measure(workload, process, sample_s=job.sample_s)
        except Exception as error:  # noqa: BLE001 - whatever an implementation raises costs its own case only
            yield Failure(reason=f"{type(error).__name__}: {error}", details=traceback.format_exc())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
