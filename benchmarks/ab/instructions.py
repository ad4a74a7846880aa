"""Instructions instead of seconds: a worker under valgrind's callgrind, which counts those of the epochs.

Callgrind starts and stops counting at client requests: macros of valgrind's header, which are machine code.
So a small library is compiled before workers are counted.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benchmarks.ab.pairs import PairedCase
from benchmarks.errors import UsageError
from benchmarks.records.row import Verdict

COUNTED = """\
pairs of fresh processes under valgrind's callgrind, their order by a fair coin (seed {seed}); of each \
process the instructions of an epoch, the mean over at least {n_epochs}; of the pairs' log-ratios the \
median; slower means beyond the threshold, and no pair contradicts"""


COUNTING_NOTE = """\
instructions, not time: waiting and cache misses do not show; valgrind knows no AVX-512, so the code that \
the libraries choose without it is counted"""


SOURCE = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void zero(void) { CALLGRIND_ZERO_STATS; }
void dump(void) { CALLGRIND_DUMP_STATS; }
void end(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""


def make_counter(folder: Path) -> Path:
    """Compile the library with which workers count into the folder; return its path.

    Raises:
        UsageError: valgrind, its header or a compiler is missing.
    """
    if not shutil.which("valgrind"):
        message = "instructions are counted by valgrind, which is not on the path; install it"
        raise UsageError(message)
    compilers = [shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"]]
    compiler = next((command for command in compilers if command and shutil.which(command[0])), None)
    if compiler is None:
        message = "counting instructions needs a C compiler; found none of $CC, cc, gcc and clang"
        raise UsageError(message)
    library = folder / "counter.so"
    done = subprocess.run(  # noqa: S603 - $CC or a compiler on PATH, without a shell, for our own source
        [*compiler, "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)],
        input=SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        found = next(iter(done.stderr.strip().splitlines()), f"exit status {done.returncode}")
        message = f"the library that uses valgrind's header does not compile: {found}"
        raise UsageError(message)
    return library


def make_ready(paired_cases: Iterable[PairedCase], folder: Path) -> Path | None:
    """Make the library with which workers count, in the folder, and rule out cases that can't be counted."""
    counter, reason = None, None
    try:
        counter = make_counter(folder)
    except UsageError as error:
        reason = str(error)
    for result in [result for paired_case in paired_cases for result in paired_case.results.values()]:
        if reason or result.case.device != "cpu":
            fault = reason or "valgrind counts the instructions of CPUs only"
            result.end(Verdict.NOT_MEASURED, fault)
    return counter
