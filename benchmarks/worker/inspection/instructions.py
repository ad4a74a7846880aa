"""Counting the instructions of an epoch, under valgrind."""

import ctypes
import gc
import os
from pathlib import Path

from benchmarks.worker.training import Workload, drop_warmup
from impls.contract import EpochResult

N_EPOCHS = 20
"""Count at least this many epochs."""


def count_trainings(workload: Workload, n_epochs: int, counter: Path) -> tuple[list[EpochResult], float]:
    """Count the instructions of one epoch, of all threads, in a process started by `command_under`.

    Whole trainings of `n_epochs` run until N_EPOCHS are counted; the first third of each is not counted.
    Return the trainings' last results and the mean: rare events hardly show in it.
    """
    library, run_epoch = ctypes.CDLL(str(counter)), workload.implementation.run_epoch
    batches = [workload.batches(epoch) for epoch in range(n_epochs)]
    counted = drop_warmup(batches)
    results: list[EpochResult] = []
    gc.collect()
    gc.disable()
    n_instructions = 0
    library.begin()  # for all trainings: beginning discards all code that valgrind has translated
    while len(results) * len(counted) < N_EPOCHS:
        state = workload.start()
        for each in batches[: -len(counted)]:
            state = run_epoch(state, each)
        library.zero()
        for each in counted:
            state = run_epoch(state, each)
        library.dump()
        n_instructions += _read_dump(counter)
        results.append(workload.implementation.export(state))
    library.end()
    gc.enable()
    return results, n_instructions / (len(results) * len(counted))


def _read_dump(counter: Path) -> int:
    """Read the number of instructions from the dump that this process has just made, and remove it.

    It is in the line "totals: N" (https://valgrind.org/docs/manual/cl-format.html).

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
