"""Counting the instructions of an epoch, under valgrind."""

from __future__ import annotations

import ctypes
import gc
import os
from typing import TYPE_CHECKING

from benchmarks.worker.training import drop_warmup

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.training import Workload
    from impls.contract import EpochResult

N_EPOCHS = 20
"""Count at least so many."""


def count_trainings(workload: Workload, n_epochs: int, counter: Path) -> tuple[list[EpochResult], float]:
    """Count the instructions of one epoch, of all threads, in a process started by `command_under`.

    Whole trainings of so many epochs run until N_EPOCHS are counted, the first third of each not among them.
    Give the trainings' ends and the mean: what happens once, now and then, hardly shows.
    """
    library, run_epoch = ctypes.CDLL(str(counter)), workload.implementation.run_epoch
    batches = [workload.batches(epoch) for epoch in range(n_epochs)]
    counted = drop_warmup(batches)
    ends: list[EpochResult] = []
    gc.collect()
    gc.disable()
    n_instructions = 0
    library.begin()  # for all trainings: beginning discards all code that valgrind has translated
    while len(ends) * len(counted) < N_EPOCHS:
        state = workload.start()
        for each in batches[: -len(counted)]:
            state = run_epoch(state, each)
        library.zero()
        for each in counted:
            state = run_epoch(state, each)
        library.dump()
        n_instructions += _read_dump(counter)
        ends.append(workload.implementation.export(state))
    library.end()
    gc.enable()
    return ends, n_instructions / (len(ends) * len(counted))


def _read_dump(counter: Path) -> int:
    """Read the instructions executed from the dump that this process has just made, and remove it.

    They stand in the line "totals: N" (https://valgrind.org/docs/manual/cl-format.html).

    Raises:
        RuntimeError: there is no dump.

    """
    dump = next(counter.parent.glob(f"{counter.name}.{os.getpid()}.*"), None)
    if dump is None:
        message = "valgrind does not count here: is this side's Python a script that starts another program?"
        raise RuntimeError(message)
    text = dump.read_text(encoding="utf-8", errors="replace")
    dump.unlink()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("totals:"))
