"""Times one whole training, first call included, in a fresh process with empty caches."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases.tolerances import tolerances
from benchmarks.errors import UsageError
from benchmarks.studies.fresh_process import in_fresh_process
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.messages import Job
from benchmarks.worker.ranks import join
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, time_training, wake
from impls.contract import Ranks


@dataclass(frozen=True, kw_only=True)
class WholeTraining:
    """The figures of one process."""

    total_s: float  # from the call of `place` to the end of `export`, compilation included
    cpu_per_wall: float  # less than 1 on one core: another program ran there
    parameters: list[float]  # weight and bias after the last step


def time_whole(job: Job) -> WholeTraining:
    """Run a job of one problem in float32, and compare its parameters with the reference's.

    Raises:
        UsageError: it failed, or its parameters are not the reference's.
    """
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as caches:
        cpu_only = job.devices == ("cpu",)
        found = in_fresh_process(timed, job.to_json(), cpus=job.cpus, caches=caches, cpu_only=cpu_only)
    training = WholeTraining(**found)
    (problem,) = job.problems
    expected = reference_for(problem).training
    off = np.abs(np.array(training.parameters) - np.append(expected.weight, expected.bias)).max()
    _, tolerance = tolerances(problem)
    if not off <= tolerance:
        message = f"{job.path}: expected the reference's parameters within {tolerance:.1g}, found {off:.1g}"
        raise UsageError(message)
    return training


def timed(text: str) -> dict[str, object]:
    """Start the framework, as a worker does, then train; return the fields of a `WholeTraining`."""
    job = Job.from_json(text)
    (problem,), (device,) = job.problems, job.devices
    implementation = load(Path(job.path))
    join(implementation, Ranks())
    wake(implementation, device, problem.precision)
    workload = Workload.of(implementation, problem, device)
    start = time.perf_counter()
    training = time_training(workload, n_epochs=problem.n_epochs)
    return {
        "total_s": workload.place_s + time.perf_counter() - start,
        "cpu_per_wall": training.cpu_s / training.wall_s,
        "parameters": [*training.result.weight.tolist(), float(training.result.bias)],
    }
