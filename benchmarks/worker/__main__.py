"""The child process: loads one implementation and measures it, one line of JSON per problem.

Started by `benchmarks.runner.launch`, or as one of several ranks by torchrun. The harness imports frameworks
here and nowhere else.
"""

import gc
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.cases.unseen import variant_of
from benchmarks.errors import ContractError
from benchmarks.hosts import Equipment
from benchmarks.worker.measure import measure
from benchmarks.worker.messages import Failure, Job, Measurement, Message, Readiness, message_to_json
from benchmarks.worker.observe import FrameworkObserver, observer_of
from benchmarks.worker.ranks import Group, dump_if_stuck, own_part, own_results, ranks_of, see_own_gpu
from benchmarks.worker.start import (
    adopt_orphans,
    die_with,
    keep_passed_probes,
    load_observed,
    pin,
    skip_passed_probes,
)
from benchmarks.worker.training import Workload, wake
from benchmarks.worker.turns import Place
from impls.contract import Implementation, Ranks


def main(job_file: Path, results_file: Path, parent: int) -> None:
    """Do the job and write each answer as soon as it is complete.

    The parent is the process that it must not survive; 0: whichever started it.
    """
    job = Job.from_json(job_file.read_text(encoding="utf-8"))
    ranks = ranks_of(job)
    if ranks.n_ranks == 1:
        job_file.unlink()  # what the harness will ask is not for the implementation to read
    die_with(parent or os.getppid())
    adopt_orphans()
    if not job.gate:  # one that waits for others takes longer; it is on Linux
        # On other systems than Linux: a hanging worker must not outlive its parent for long.
        signal.alarm(int(job.worker_timeout_s * (1 + len(job.others) + len(job.problems))) + 5)
    job = own_part(job, ranks)
    pin(job.prepare_on or job.cpus)
    see_own_gpu(ranks)
    dump_if_stuck(job)
    with own_results(results_file, ranks).open("a", encoding="utf-8") as file:

        def tell(message: Message) -> None:
            file.write(message_to_json(message) + "\n")
            file.flush()

        place = Place.at(job.gate, is_first=job.is_first)
        for message in work(job, ranks, partial(place.timed, job, tell)):
            job_file.unlink(missing_ok=True)  # the ranks have joined, so that all have read it
            tell(message)
            dump_if_stuck(job)


def work(
    job: Job, ranks: Ranks, turn: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[Message]:
    """Report where the implementation and the others can run, then measure each problem.

    Ranks on hosts that differ measure nothing: the slower one would decide every time. Timing waits for its
    turn.
    """
    host = Equipment.own(with_gpu="cuda" in job.devices) if job.n_ranks > 1 else None
    if job.framework.isidentifier() and importlib.util.find_spec(job.framework) is None:
        reason = f"{job.framework} is not installed"
        for _ in (job.path, *job.others):
            yield Readiness(unavailable=dict.fromkeys(job.devices, reason), host=host)
        return
    skip_passed_probes(job.framework)
    gc.disable()  # a framework's modules are many, and none is garbage
    observer = observer_of(job.framework)  # this loads the framework
    implementation, unavailable, loaded, group = load_observed(
        Path(job.path), job.devices, observer, ranks if job.problems else None
    )
    yield Readiness(unavailable=unavailable, host=host)
    for other in job.others:
        yield Readiness(unavailable=load_observed(Path(other), job.devices, observer)[1])
    are_alike = group.agree_on(repr(host and host.facts))
    if job.problems and are_alike and not group.anyone(unavailable[job.devices[0]]):
        measure_one = partial(measure, observer=observer, loaded=loaded, turn=turn)
        yield from measured(job, implementation, observer, group, measure_one)
    group.leave()


def measured(
    job: Job,
    implementation: Implementation,
    observer: FrameworkObserver,
    group: Group,
    measure_one: Callable[[Workload, Job], Measurement],
) -> Iterator[Measurement | Failure]:
    """Measure each problem; with several ranks, a failure ends this one, and with it the others."""
    device = job.devices[0]
    is_cold = job.inspects or not job.sample_s
    # NumPy needs no waking; the kernel's compilation counts.
    if job.wakes and (job.framework != "numpy" or not is_cold):
        wake(implementation, device, job.precision, group)
    gc.freeze()
    gc.enable()
    inspected: set[tuple[str, ...]] = set()  # variants, on unseen problems
    for problem in job.problems:
        observer.forget_compiled()
        own_job = replace(job, n_unseen=0) if variant_of(problem) in inspected else job
        try:
            yield measure_one(Workload.of(implementation, problem, device, group), own_job)
            inspected.add(variant_of(problem))
        except Exception as error:
            yield Failure(
                reason=f"{type(error).__name__}: {error}",
                details=traceback.format_exc(),
                is_invalid=isinstance(error, ContractError),
            )
            if not group.tolerated:
                raise  # the other ranks wait for this one, until it ends
    keep_passed_probes()


if __name__ == "__main__":
    status = 0
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    except Exception:  # noqa: BLE001 - printed; uncaught, Python would wait for the other ranks' threads at its end
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. To take PyTorch apart would cost a second, and JAX would wait for the other ranks.
    os._exit(status)
