"""A copy of an implementation with work added to each timed epoch, and how much longer that takes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.discover import IMPLEMENTATIONS
from benchmarks.launch import worker_environment
from benchmarks.problems import NAMED
from benchmarks.training import Workload, train
from benchmarks.worker import load, pin

PROBLEM = NAMED["book"]
EFFECT = 0.05
N_BLOCKS = 200  # alternations in which the true size is measured

ADDED_WORK = """

_run_epoch = run_epoch


def run_epoch(state, batches):
    state = _run_epoch(state, batches)
    for _ in range({n}):
        pass
    return state
"""


def slow_copy(name: str, folder: Path, cpu: int) -> tuple[Path, float]:
    """Write a copy with about EFFECT more work in each epoch; give it and the effect's true size."""
    n, size = 100, 0.0
    for _ in range(8):  # the work that was added last time tells how much more it takes
        n = round(n * EFFECT / size) if size > 0 else n
        file = folder / f"{name}.py"
        source = (IMPLEMENTATIONS / f"{name}.py").read_text(encoding="utf-8")
        file.write_text(source + ADDED_WORK.format(n=n), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-P", "-c", TRUE_SIZE, name, str(file), str(cpu)],
            env=worker_environment(n_cores=1),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        size = float(done.stdout)
        if abs(size - EFFECT) < EFFECT / 10:
            break
    return file, size


TRUE_SIZE = "import sys; from benchmarks.slowdown import true_size; print(true_size(*sys.argv[1:]))"


def true_size(name: str, new_file: str, cpu: str) -> float:
    """Measure in this process by how much the new file's epoch is longer: the median over the blocks."""
    pin((int(cpu),))
    files = (IMPLEMENTATIONS / f"{name}.py", Path(new_file))
    sides = [Workload.of(load(file), PROBLEM) for file in files]
    for side in sides:
        train(side)
    ratios = []
    for _ in range(N_BLOCKS):
        base_s, new_s = (fastest_epoch_s(side) for side in sides)
        ratios.append(new_s / base_s)
    return float(np.median(ratios)) - 1


def fastest_epoch_s(workload: Workload, n_epochs: int = 20) -> float:
    """Time some epochs in a row."""
    run_epoch, state, batches = workload.implementation.run_epoch, workload.start(), workload.batches(0)
    times_s = []
    for _ in range(n_epochs):
        start = time.perf_counter()
        state = run_epoch(state, batches)
        times_s.append(time.perf_counter() - start)
    return min(times_s)
