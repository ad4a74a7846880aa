"""Instructions instead of seconds: a worker under valgrind's callgrind, which counts what the epochs execute.

Callgrind is told when to count by client requests: macros of valgrind's header, which are code for the very
machine. So a small library is compiled before workers are counted.
"""

from __future__ import annotations

import ctypes
import gc
import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.worker.training import hot

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.training import Workload
    from impls.contract import Trained

N_EPOCHS = 20
"""Count at least so many."""

SOURCE = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void zero(void) { CALLGRIND_ZERO_STATS; }
void dump(void) { CALLGRIND_DUMP_STATS; }
void end(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""

COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}
"""Else the dictionaries of each process collide in another way."""

FOREIGN_CODE = "valgrind knows no AVX-512, so that code compiled for this very processor may not run under it"


@dataclass(frozen=True, kw_only=True)
class NoCounter:
    """Instructions can't be counted here."""

    reason: str


def make_counter(folder: Path) -> Path | NoCounter:
    """Compile the library that workers count by into the folder and give its path, or say what is missing."""
    if not shutil.which("valgrind"):
        return NoCounter(reason="instructions are counted by valgrind, which is not on the path; install it")
    compilers = [shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"]]
    compiler = next((command for command in compilers if command and shutil.which(command[0])), None)
    if compiler is None:
        return NoCounter(reason="no C compiler to tell valgrind by when to count: $CC, cc, gcc and clang")
    library = folder / "counter.so"
    done = subprocess.run(  # noqa: S603 - the machine's compiler
        [*compiler, "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)],
        input=SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()), f"exit status {done.returncode}")
        return NoCounter(reason=f"what tells valgrind when to count, by its header, does not compile: {said}")
    return library


def command_under(counter: str) -> list[str]:
    """Give the start of the command of a process that is to be counted; its dumps lie beside the library."""
    options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counter}.%p"]
    return ["valgrind", "--quiet", *options]


def count_trainings(workload: Workload, n_epochs: int, counter: Path) -> tuple[list[Trained], float]:
    """Count the instructions of one epoch, of all threads, in a process started by `command_under`.

    Whole trainings of so many epochs run until N_EPOCHS are counted, the first third of each not among them.
    Give the trainings' ends and the mean: what happens once, now and then, hardly shows.
    """
    library, run_epoch = ctypes.CDLL(str(counter)), workload.implementation.run_epoch
    batches = [workload.batches(epoch) for epoch in range(n_epochs)]
    counted = hot(batches)
    ends: list[Trained] = []
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
