"""The child process: loads one implementation and measures it, one line of JSON per problem.

Started by `benchmarks.runner.launch`. The harness imports frameworks here and nowhere else.
"""

import gc
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.cases.unseen import variant_of
from benchmarks.worker.measure import measure
from benchmarks.worker.messages import Failure, Job, Message, Readiness, message_to_json
from benchmarks.worker.observe import observer_of
from benchmarks.worker.start import (
    adopt_orphans,
    die_with,
    keep_passed_probes,
    load_observed,
    pin,
    skip_passed_probes,
)
from benchmarks.worker.training import ContractError, Workload, wake


def main(job_file: Path, results_file: Path, parent: int) -> None:
    """Do the job and write each answer as soon as it is complete."""
    job = Job.from_json(job_file.read_text(encoding="utf-8"))
    job_file.unlink()  # what the harness will ask is not for the implementation to read
    die_with(parent)
    adopt_orphans()
    # On other systems than Linux: a hanging worker must not outlive its parent for long.
    signal.alarm(int(job.worker_timeout_s * (1 + len(job.others) + len(job.problems))) + 5)
    pin(job.cpus)
    with results_file.open("a", encoding="utf-8") as file:
        for message in work(job):
            file.write(message_to_json(message) + "\n")
            file.flush()


def work(job: Job) -> Iterator[Message]:
    """Report where the implementation and the others can run, then measure each problem."""
    if job.framework.isidentifier() and importlib.util.find_spec(job.framework) is None:
        reason = f"{job.framework} is not installed"
        for _ in (job.path, *job.others):
            yield Readiness(unavailable=dict.fromkeys(job.devices, reason))
        return
    skip_passed_probes(job.framework)
    gc.disable()  # a framework's modules are many, and none is garbage
    observer = observer_of(job.framework)  # this loads the framework
    implementation, unavailable, loaded = load_observed(Path(job.path), job.devices, observer)
    yield Readiness(unavailable=unavailable)
    for other in job.others:
        yield Readiness(unavailable=load_observed(Path(other), job.devices, observer)[1])
    device = job.devices[0]
    if not job.problems or unavailable[device]:
        return
    is_cold = job.inspects or not job.sample_s
    if job.framework != "numpy" or not is_cold:  # NumPy needs no waking; the kernel's compilation counts
        wake(implementation, device, job.precision)
        keep_passed_probes()
    gc.freeze()
    gc.enable()
    inspected: set[tuple[str, ...]] = set()  # variants, on unseen problems
    for problem in job.problems:
        observer.forget_compiled()
        own_job = replace(job, n_unseen=0) if variant_of(problem) in inspected else job
        try:
            yield measure(Workload.of(implementation, problem, device), own_job, observer, loaded)
            inspected.add(variant_of(problem))
        except Exception as error:  # noqa: BLE001 - an implementation's error costs its own case only
            yield Failure(
                reason=f"{type(error).__name__}: {error}",
                details=traceback.format_exc(),
                is_invalid=isinstance(error, ContractError),
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # all is written; to take PyTorch apart would cost a second
