"""Times one whole training, first call included, in a fresh process with empty caches.

The process runs this very module: it reads a job as JSON from standard input, trains its one problem once,
and prints a `WholeTraining`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.cases.tolerances import tolerances
from benchmarks.errors import UsageError
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.__main__ import THROWAWAY
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.messages import Job
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload, time_training, train

if TYPE_CHECKING:
    from impls.contract import Problem


@dataclass(frozen=True, kw_only=True)
class WholeTraining:
    """What one process did."""

    total_s: float  # of all epochs, trace and compilation included
    cpu_per_wall: float  # less than 1 on one core: something else ran there
    parameters: list[float]  # weight and bias after the last step


def time_whole(job: Job) -> WholeTraining:
    """Run a job of one problem in float32, and hold what it computed against the reference.

    Raises:
        UsageError: it failed, or computed something else.

    """
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as caches:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "benchmarks.studies.whole_training"],
            input=job.to_json(),
            env=worker_environment(
                n_cores=max(1, len(job.cpus)), caches=caches, cpu_only=job.devices == ("cpu",)
            ),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        message = (
            f"{job.path}: its training ended with exit status {done.returncode}; what it printed is above"
        )
        raise UsageError(message)
    training = WholeTraining(**json.loads(done.stdout))
    _require_agreement(job, training)
    return training


def _require_agreement(job: Job, found: WholeTraining) -> None:
    """Refuse the time of what computed something else."""
    problem: Problem = job.problems[0]
    expected = reference_for(problem).training
    off = np.abs(np.array(found.parameters) - np.append(expected.weight, expected.bias)).max()
    _, tolerance = tolerances(problem)
    if not off <= tolerance:
        message = f"{job.path}: expected the reference's parameters within {tolerance:.1g}, found {off:.1g}"
        raise UsageError(message)


def main() -> None:
    """Wake the framework, as a worker does, then train."""
    job = Job.from_json(sys.stdin.read())
    (problem,), (device,) = job.problems, job.devices
    pin(job.cpus)
    implementation = load(Path(job.path))
    with contextlib.suppress(Exception):  # what is wrong will show in the problem itself
        train(Workload.of(implementation, THROWAWAY, device))
    workload = Workload.of(implementation, problem, device)
    timed = time_training(workload, n_epochs=problem.n_epochs)
    training = WholeTraining(
        total_s=sum(timed.epoch_s),
        cpu_per_wall=timed.cpu_s / timed.wall_s,
        parameters=[*timed.end.weight.tolist(), float(timed.end.bias)],
    )
    json.dump(asdict(training), sys.stdout)


if __name__ == "__main__":
    main()
