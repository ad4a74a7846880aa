"""A copy of an implementation with work added to each timed epoch, and how much longer that takes."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases.problems import NAMED
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload, train

PROBLEM = NAMED["book"]
EFFECT = 0.05
N_BLOCKS = 100  # alternations in which one process measures the size
N_PROCESSES = 5  # that measure it once the amount of work is settled

ADDED_WORK = """

_run_epoch = run_epoch


def run_epoch(state, batches):
    state = _run_epoch(state, batches)
    for _ in range({n}):
        pass
    return state
"""


@dataclass(frozen=True, kw_only=True)
class SlowCopy:
    """An implementation with work added to each epoch."""

    file: Path
    n_loops: int  # of nothing, that were added
    sizes: tuple[float, ...]  # by how much an epoch is longer, as each of some fresh processes measured it

    @property
    def size(self) -> float:
        """Give the effect's true size, a fraction."""
        return float(np.median(self.sizes))


def slow_copy(name: str, folder: Path, cpu: int) -> SlowCopy:
    """Write a copy with about EFFECT more work in each epoch, and measure how much it is.

    The processes that measure are others than those by which the amount was chosen: the one that came nearest
    to the target came so by chance, too.
    """
    n_loops, file = 100, folder / f"{name}.py"
    source = (IMPLEMENTATIONS / f"{name}.py").read_text(encoding="utf-8")
    for _ in range(4):  # the work that was added last time tells how much more it takes
        file.write_text(source + ADDED_WORK.format(n=n_loops), encoding="utf-8")
        size = size_in_process(name, file, cpu)
        if abs(size - EFFECT) < EFFECT / 10:
            break
        n_loops = min(10 * n_loops, round(n_loops * EFFECT / max(size, EFFECT / 10)))
    file.write_text(source + ADDED_WORK.format(n=n_loops), encoding="utf-8")
    sizes = tuple(size_in_process(name, file, cpu) for _ in range(N_PROCESSES))
    return SlowCopy(file=file, n_loops=n_loops, sizes=sizes)


def size_in_process(name: str, file: Path, cpu: int) -> float:
    """Measure in a fresh process by how much the file's epoch is longer than the implementation's."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-c", TRUE_SIZE, name, str(file), str(cpu)],
        env=worker_environment(n_cores=1),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


TRUE_SIZE = "import sys; from benchmarks.studies.slowdown import true_size; print(true_size(*sys.argv[1:]))"


def true_size(name: str, new_file: str, cpu: str) -> float:
    """Measure in this process by how much the new file's epoch is longer: the median over the blocks."""
    pin((int(cpu),))
    files = (IMPLEMENTATIONS / f"{name}.py", Path(new_file))
    sides = [Workload.of(load(file), PROBLEM) for file in files]
    for side in sides:
        train(side)
    ratios = []
    for block in range(N_BLOCKS):
        worker_run = slice(None, None, -1 if block % 2 else 1)  # either side first, by turns
        base_s, new_s = [fastest_epoch_s(side) for side in sides[worker_run]][worker_run]
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
