"""The child process: loads one implementation and measures it, a line of JSON per problem.

Started by `benchmarks.launch`. The frameworks are imported here and nowhere else in the harness.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_type_hints

import numpy as np

from benchmarks.job import Failure, Job, Measurement, Message, Outcome, Readiness, Timing, message_to_json
from benchmarks.statistics import summarize
from benchmarks.training import TimedTraining, Workload, time_training, train
from impls.contract import Implementation, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from benchmarks.training import Training
    from impls.contract import Device, Trained

WARM_UP_EPOCHS = 10

THROWAWAY = Problem(n_features=3, batch_size=7, n_batches=1, n_epochs=1)
"""Trained once, unmeasured, so that a problem's first call does not depend on which problem came first."""


def main(job_file: Path, results_file: Path) -> None:
    """Do the job and write each answer as soon as it is there."""
    job = Job.from_json(job_file.read_text(encoding="utf-8"))
    # Should the parent die, a hanging worker must not outlive it for long.
    signal.alarm(int(job.time_limit_s * (len(job.problems) + 1)) + 5)
    pin(job.cpus)
    with results_file.open("a", encoding="utf-8") as file:
        for message in work(job):
            file.write(message_to_json(message) + "\n")
            file.flush()


def pin(cpus: tuple[int, ...]) -> None:
    """Keep to the given CPUs. Before a framework loads: its thread pools are sized by them."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


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
    with contextlib.suppress(Exception):  # what is wrong will show in the first problem, and be reported
        train(Workload.of(implementation, THROWAWAY, job.devices[0]))
    for problem in job.problems:
        try:
            yield measure(implementation, problem, job.devices[0], sample_s=job.sample_s)
        except Exception as error:  # noqa: BLE001 - whatever an implementation raises costs its own case only
            yield Failure(reason=f"{type(error).__name__}: {error}", details=traceback.format_exc())


def load(path: Path) -> Implementation:
    """Import the file as a module and check that it has all names of the contract.

    Raises:
        AttributeError: some are missing.

    """
    spec = importlib.util.spec_from_file_location(f"impls.{path.stem}", path)
    if spec is None or spec.loader is None:
        message = f"{path}: expected a Python file"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    expected = [*get_type_hints(Implementation), *(n for n in vars(Implementation) if not n.startswith("_"))]
    missing = [name for name in expected if not hasattr(module, name)]
    if missing:
        message = f"{path} lacks {', '.join(missing)}: an implementation defines {', '.join(expected)}"
        raise AttributeError(message)
    return cast("Implementation", module)


def measure(
    implementation: Implementation, problem: Problem, device: Device, *, sample_s: float
) -> Measurement:
    """Verify whole trainings step by step, which also warms up; then time more of them.

    Each starts from the same initial parameters and runs the same code on the same batches. With
    `sample_s` 0 nothing is timed.
    """
    workload = Workload.of(implementation, problem, device)
    verified = [train(workload)]
    while sample_s and sum(training.n_epochs for training in verified) < WARM_UP_EPOCHS:
        verified.append(train(workload))
    timed = sample(workload, verified[0].n_epochs, sample_s) if sample_s else []
    lowest, highest = envelope(verified, [training.end for training in timed])
    return Measurement(
        data_digest=workload.data_digest,
        dtypes=sorted({str(getattr(verified[0], name).dtype) for name in ("losses", "weight", "bias")}),
        lowest=lowest,
        highest=highest,
        timing=timing_of(timed, verified[0].first_epoch_s) if timed else None,
    )


def sample(workload: Workload, n_epochs: int, sample_s: float) -> list[TimedTraining]:
    """Time trainings until they add up to `sample_s`, at least two; every other one pauses at its end."""
    timed: list[TimedTraining] = []
    timed_s = 0.0
    gc.collect()
    gc.disable()
    while timed_s < sample_s or len(timed) < 2:  # noqa: PLR2004 - one with a pause, one without
        # Long enough for what an epoch may have left unfinished: it would have delayed the export before.
        pause_s = max(1e-3, 2 * timed[-1].export_s) if len(timed) % 2 else 0.0
        timed.append(time_training(workload, n_epochs=n_epochs, pause_s=pause_s))
        timed_s += sum(timed[-1].epoch_s)
    gc.enable()
    return timed


def timing_of(timed: Sequence[TimedTraining], first_call_s: float) -> Timing:
    """Sum the timed trainings up."""
    return Timing(
        first_call_s=first_call_s,
        summary=summarize([s for training in timed for s in hot(training.epoch_s)]),
        export_s=min(training.export_s for training in timed if not training.paused),
        paused_export_s=min(training.export_s for training in timed if training.paused),
        cpu_per_wall=sum(t.cpu_s for t in timed) / sum(sum(t.epoch_s) for t in timed),
    )


def hot(values: Sequence[float]) -> Sequence[float]:
    """Leave a training's first third out: `prepare` has just emptied the caches."""
    return values[len(values) // 3 :]


def envelope(verified: Sequence[Training], ends: Sequence[Trained]) -> tuple[Outcome, Outcome]:
    """Give the smallest and the largest of each value that the trainings computed; NaN prevails.

    Of the timed trainings, whose `ends` these are, the losses are those of the last epoch.

    Raises:
        ValueError: the trainings did not all take the same number of steps.

    """
    n_steps = {len(training.losses) for training in verified}
    n_last_steps = {len(end.losses) for end in ends}
    if len(n_steps) > 1 or len(n_last_steps) > 1:
        message = (
            "expected every training to take the same number of steps, found "
            f"{sorted(n_steps)}, in the last epoch {sorted(n_last_steps)}"
        )
        raise ValueError(message)

    def extreme(function: np.ufunc) -> Outcome:
        def of(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
            reduced: NDArray[Any] = function.reduce([np.ravel(a).astype(np.float64) for a in arrays])
            return reduced

        losses = of(training.losses for training in verified)
        if ends:
            last = losses[-len(ends[0].losses) :]
            last[:] = of([last, *(end.losses for end in ends)])
        everyone: list[Training | Trained] = [*verified, *ends]
        return Outcome(
            losses=losses.tolist(),
            weight=of(each.weight for each in everyone).tolist(),
            bias=of(each.bias for each in everyone).tolist(),
        )

    return extreme(np.minimum), extreme(np.maximum)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
