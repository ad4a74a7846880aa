"""A copy of an implementation with work added to each timed epoch, and how much longer that takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases.problems import NAMED
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.studies.fresh_process import in_fresh_process
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, time_training, train

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
    n_loops: int  # empty iterations that were added
    sizes: tuple[float, ...]  # by how much an epoch is longer, one figure per fresh process

    @property
    def size(self) -> float:
        """Return the effect's true size, a fraction."""
        return float(np.median(self.sizes))


def slow_copy(name: str, folder: Path, cpus: tuple[int, ...]) -> SlowCopy:
    """Write a copy with about EFFECT more work in each epoch, and measure how much it is.

    The final measurement takes new processes: the figure that chose the amount is close to EFFECT partly by
    chance.
    """
    n_loops, file = 100, folder / f"{name}.py"
    source = (IMPLEMENTATIONS / f"{name}.py").read_text(encoding="utf-8")

    def size() -> float:
        file.write_text(source + ADDED_WORK.format(n=n_loops), encoding="utf-8")
        return float(in_fresh_process(true_size, name, str(file), cpus=cpus))

    for _ in range(4):
        found = size()
        if abs(found - EFFECT) < EFFECT / 10:
            break
        n_loops = min(10 * n_loops, round(n_loops * EFFECT / max(found, EFFECT / 10)))
    return SlowCopy(file=file, n_loops=n_loops, sizes=tuple(size() for _ in range(N_PROCESSES)))


def true_size(name: str, new_file: str) -> float:
    """Measure in this process by how much the new file's epoch is longer: the median over the blocks."""
    files = (IMPLEMENTATIONS / f"{name}.py", Path(new_file))
    sides = [Workload.of(load(file), PROBLEM) for file in files]
    for side in sides:
        train(side)
    ratios = []
    for block in range(N_BLOCKS):
        order = slice(None, None, -1 if block % 2 else 1)  # each side is first in half of the blocks
        base_s, new_s = [min(time_training(side, n_epochs=20).epoch_s) for side in sides[order]][order]
        ratios.append(new_s / base_s)
    return float(np.median(ratios)) - 1
