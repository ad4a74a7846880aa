"""Times an implementation's epoch without the harness, as a careful reader would by hand, and with it.

A process of its own, run by `benchmarks.studies.harness_overhead`. The two alternate, so that both
see the same machine. Prints a JSON list of pairs, the suite's and the bare median, in seconds per epoch.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.cases.problems import parse_problem
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.worker.measure import time_trainings
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload, drop_warmup, train

SECONDS = 0.1  # of each measurement


def main(name: str, problem: str, method: str, cpu: str, n_pairs: str) -> None:
    """Alternate between the two, each going first as often as the other."""
    pin((int(cpu),))
    workload = Workload.of(load(Path(IMPLEMENTATIONS, f"{name}.py")), parse_problem(problem))
    n_epochs = train(workload).n_epochs
    bare = timer_median_s if method == "torch.utils.benchmark.Timer" else loop_median_s
    pairs = []
    for i in range(int(n_pairs)):
        bare_first_s = bare(workload) if i % 2 else None
        suite_s = suite_median_s(workload, n_epochs)
        pairs.append((suite_s, bare_first_s or bare(workload)))
    json.dump(pairs, sys.stdout)


def suite_median_s(workload: Workload, n_epochs: int) -> float:
    """Time it as the suite's worker does."""
    timed = time_trainings(workload, n_epochs, SECONDS)
    return float(np.median([s for training in timed for s in drop_warmup(training.epoch_s)]))


def timer_median_s(workload: Workload) -> float:
    """Time it by PyTorch's own benchmarking tool."""
    from torch.utils.benchmark import Timer  # noqa: PLC0415 - a process that times JAX must not load PyTorch

    state, batches = workload.start(), workload.batches(0)
    timer = Timer(
        "run_epoch(state, batches)",
        globals={"run_epoch": workload.implementation.run_epoch, "state": state, "batches": batches},
    )
    return timer.blocked_autorange(min_run_time=SECONDS).median


def loop_median_s(workload: Workload) -> float:
    """Time it by the simplest loop there is."""
    run_epoch, state, batches = workload.implementation.run_epoch, workload.start(), workload.batches(0)
    samples_s: list[float] = []
    gc.disable()
    stop = time.perf_counter() + SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        state = run_epoch(state, batches)
        samples_s.append(time.perf_counter() - start)
    gc.enable()
    return float(np.median(samples_s))


if __name__ == "__main__":
    main(*sys.argv[1:])
