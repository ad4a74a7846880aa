"""Instructions instead of seconds: a worker under valgrind's callgrind, which counts what the epochs execute.

Callgrind is told when to count by client requests: macros of valgrind's header, which are code for the very
machine. So a small library is compiled before workers are counted.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.records.row import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.ab.pairs import PairedCase


COUNTED = """\
interleaved fresh processes under valgrind's callgrind, the sides in alternating order; of each process the \
instructions of an epoch, the mean over at least {n_epochs}; of the pairs' log-ratios the median; slower \
means beyond the threshold, and no pair to the contrary"""


COUNTING_NOTE = """\
instructions, not time: what waits or misses a cache does not show; and valgrind knows no AVX-512, so they \
are those of the code that the libraries choose without it"""


SOURCE = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void zero(void) { CALLGRIND_ZERO_STATS; }
void dump(void) { CALLGRIND_DUMP_STATS; }
void end(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""


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


def make_ready(paired_cases: Iterable[PairedCase], folder: Path) -> Path | None:
    """Give the library that workers count by, made in the folder; rule out what can't be counted."""
    counter = make_counter(folder)
    for case_result in [
        case_result for paired_case in paired_cases for case_result in paired_case.case_results.values()
    ]:
        if isinstance(counter, NoCounter):
            case_result.end(Verdict.NOT_MEASURED, counter.reason)
        elif case_result.case.device != "cpu":
            case_result.end(Verdict.NOT_MEASURED, "valgrind counts the instructions of CPUs only")
    return None if isinstance(counter, NoCounter) else counter
