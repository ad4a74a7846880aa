"""How a worker measures one problem: verify it, then time it, or inspect it, or both."""

import gc
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.unseen import INSPECTED_VALUES, N_VALUES, n_kinds_of
from benchmarks.worker import observe
from benchmarks.worker.conserved import TOLERANCE, conserved_share, is_below
from benchmarks.worker.inspection.gpu import GpuMeter, PowerMeter
from benchmarks.worker.inspection.inspect import Peak, inspect
from benchmarks.worker.inspection.instructions import count_trainings
from benchmarks.worker.inspection.placed import changed_values
from benchmarks.worker.inspection.threads import cpus_in_trainings
from benchmarks.worker.inspection.unseen import train_own_size
from benchmarks.worker.inspection.waits import core_times, others_part
from benchmarks.worker.messages import Conservation, Job, Measurement, Outcome, Timing
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.samples import Summary, summarize
from benchmarks.worker.start import Loaded, cpus_allowed, n_processes, replaced_clocks
from benchmarks.worker.training import TimedTraining, Training, Workload, drop_warmup, time_training, train
from benchmarks.worker.trials import N_PAIRS, Trials, calls_cpu_s, conservation_of
from impls.contract import EpochResult

WARM_UP_EPOCHS = 10


TRIES = 6
"""So many times `sample_s` are timed, at most, while they seem to be below their cost: that may be noise, and
on a shared machine such noise lasts for seconds."""

RETRIED = 0.25
"""No further try begins once timing took this part of the worker's time limit: to be busy is no reason to be
killed."""

MOST = 5
"""Whole trainings are timed for at most this many times `sample_s`, if their epochs take so little of it."""


def measure(
    workload: Workload,
    job: Job,
    observer: FrameworkObserver,
    loaded: Loaded | None = None,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Measurement:
    """Verify whole trainings step by step, which also warms up; then time more of them.

    Each starts from the same initial parameters and runs the same code on the same batches. With the job's
    `sample_s` 0 none is timed. The inspection follows the timing: it loses compiled code and replaces
    functions. Both end with unseen values. The timing waits for its turn, if workers work at the same time.
    """
    loaded = loaded or Loaded()
    observe.reset_peak_host()
    start_bytes = observe.resident_host_bytes()
    verified = [train(workload)]
    n_compiled = observer.n_compilations()
    while job.sample_s and sum(training.n_epochs for training in verified) < WARM_UP_EPOCHS:
        verified.append(train(workload))
    peak = Peak.of(observer, workload.device, loaded.resident_bytes, start_bytes)
    last: list[EpochResult] = []
    timing = None
    if job.sample_s:
        with turn():
            last, timing = sample(workload, job, observer, verified[0].n_epochs, n_compiled)
        peak = peak.or_later(workload.lookout.growth_bytes)
    lowest, highest = envelope(verified, last)
    inspection = inspect(workload, job, observer, peak) if job.inspects or not timing else None
    n_kinds = n_kinds_of(workload.problem, INSPECTED_VALUES if inspection else N_VALUES)
    n_missing, n_foreign = changed_values(workload) or (None, None)
    own_size = train_own_size(workload, job.unseen_seed, n_kinds)
    allowed = None if not job.cpus else cpus_in_trainings(workload) if inspection else cpus_allowed()
    now, timed = allowed or set(), workload.lookout.cpus
    return Measurement(
        data_digest=workload.data_digest,
        dtypes=sorted(dtypes_of(workload, verified[0])),
        other_frameworks=observe.other_frameworks(job.framework),
        n_cpus_allowed=None if allowed is None else max(len(now), len(timed)),
        other_cpus=sorted((now - set(job.prepare_on or job.cpus)) | (timed - set(job.cpus))),
        replaced_clocks=replaced_clocks(),
        first_call_s=loaded.compile_s + workload.place_s + verified[0].first_call_s,
        lowest=lowest,
        highest=highest,
        own_size=own_size,
        n_missing=n_missing,
        n_foreign=n_foreign,
        timing=timing,
        inspection=inspection,
    )


def dtypes_of(workload: Workload, training: Training) -> set[str]:
    """Name the floating-point types that the implementation computes with, as far as they are visible."""
    exported = {str(getattr(training, name).dtype) for name in ("losses", "weight", "bias")}
    state = workload.implementation.run_epoch(workload.start(), workload.batches(0))
    return exported | observe.floating_dtypes(state) | observe.floating_dtypes(workload.placed)


def sample(
    workload: Workload, job: Job, observer: FrameworkObserver, n_epochs: int, n_before: int | None
) -> tuple[list[EpochResult], Timing]:
    """Time trainings and, if asked, count more; also return their last results.

    Count the compilations since there were `n_before`, at the end of the first training: later ones belong to
    no first call. Those in trials are not counted: a loop may compile for each number of epochs.
    """
    children_before_s = observe.children_cpu_s()
    gpu = GpuMeter(workload.device)
    power = PowerMeter(workload.device, gpu, workload.group.ranks.local_rank)
    timed, trials, conservation = time_trainings(workload, observer, job, n_epochs)
    power_w = power.mean_w()
    counted, n_instructions = (
        count_trainings(workload, n_epochs, Path(job.counter)) if job.counter else ([], None)
    )
    n_after, children_after_s, n_now = observer.n_compilations(), observe.children_cpu_s(), n_processes()
    return [*(training.result for training in timed), *counted], Timing(
        summary=summary_of(timed, workload),
        conservation=conservation,
        cpu_per_wall=sum(t.cpu_s for t in timed) / sum(t.wall_s for t in timed),
        n_compilations=None
        if n_after is None or n_before is None
        else n_after - n_before - trials.n_compilations,
        children_cpu_s=children_after_s - children_before_s,
        n_processes=None if n_now is None else max(n_now, workload.lookout.n_processes),
        sampled_s=sum(sum(training.epoch_s) for training in timed),
        gpu=gpu.read(),
        n_instructions=n_instructions,
        power_w=power_w,
    )


def time_trainings(
    workload: Workload, observer: FrameworkObserver, job: Job, n_epochs: int
) -> tuple[list[TimedTraining], Trials, Conservation]:
    """Time trainings, at least two, and trials between them; more if a time seems too short.

    Garbage is collected in trials but not in timed trainings: an implementation that asks finds a difference,
    and its time is not conserved.
    """
    gc.collect()
    gc.freeze()
    until_s = time.perf_counter() + RETRIED * job.worker_timeout_s
    cpus = set(job.cpus) or cpus_allowed() or set()  # a loop can change what it is allowed, not the job
    n_cores = len(cpus) or os.cpu_count() or 1
    before = core_times(cpus)
    timed = [_timed(workload, n_epochs)]
    trials = Trials.of(workload, observer, seed=job.unseen_seed, n_epochs=n_epochs)
    for _ in range(TRIES):
        _time_more(timed, trials, job.sample_s)
        conservation = conservation_of(trials, timed, others_part(before, core_times(cpus)), n_cores=n_cores)
        share = conserved_share(conservation, summary_of(timed, workload), workload.device)
        is_open = share < TOLERANCE and not is_below(conservation, share)
        goes_on = is_open and time.perf_counter() <= until_s
        if not workload.group.anyone(goes_on):
            break
    if workload.group.anyone(share < TOLERANCE):
        calls_s = calls_cpu_s(workload, n_epochs)
        conservation = replace(conservation, calls_cpu_s=tuple(s / n_cores for s in calls_s))
    gc.unfreeze()
    return timed, trials, conservation


def _time_more(timed: list[TimedTraining], trials: Trials, sample_s: float) -> None:
    """Time trainings until they add up to `sample_s`, with N_PAIRS of trials between them."""
    n_before = len(timed) if len(timed) > 1 else 0
    n_pairs, trained_s = 0, 0.0
    while True:
        timed_s = sum(sum(training.epoch_s) for training in timed[n_before:])
        is_enough = len(timed) > 1 and (timed_s >= sample_s or trained_s > MOST * sample_s)
        while n_pairs < N_PAIRS * (1 if is_enough else min(1, timed_s / sample_s)):
            trials.add_pair()
            n_pairs += 1
        if is_enough:
            return
        start_s = time.perf_counter()
        timed.append(_timed(trials.workload, len(timed[0].epoch_s)))
        trained_s += trials.workload.group.slowest(time.perf_counter() - start_s)


def _timed(workload: Workload, n_epochs: int) -> TimedTraining:
    gc.disable()
    try:
        return time_training(workload, n_epochs=n_epochs)
    finally:
        gc.enable()


def summary_of(timed: Sequence[TimedTraining], workload: Workload) -> Summary:
    """Summarize the warm epochs of the timed trainings; over several ranks, their mean in each training.

    How long a rank waits for the others differs between epochs by a factor of eight (measured), and a rank
    that polls uses its core meanwhile: its fastest epoch is shorter than any measure of its cost.
    """
    if workload.group.ranks.n_ranks > 1:
        return summarize([training.mean_s for training in timed])
    return summarize([s for training in timed for s in drop_warmup(training.epoch_s)])


def envelope(verified: Sequence[Training], last: Sequence[EpochResult]) -> tuple[Outcome, Outcome]:
    """Return the smallest and the largest of each value that the trainings computed; NaN prevails.

    `last` are the timed trainings' results: their losses are those of the last epoch.

    Raises:
        ValueError: the trainings did not all take the same number of steps.
    """
    n_steps = {len(training.losses) for training in verified}
    n_last_steps = {len(result.losses) for result in last}
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
        if last:
            of_last_epoch = losses[-len(last[0].losses) :]
            of_last_epoch[:] = of([of_last_epoch, *(result.losses for result in last)])
        everyone: list[Training | EpochResult] = [*verified, *last]
        return Outcome(
            losses=losses.tolist(),
            weight=of(each.weight for each in everyone).tolist(),
            bias=of(each.bias for each in everyone).tolist(),
        )

    return extreme(np.minimum), extreme(np.maximum)
