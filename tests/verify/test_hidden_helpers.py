"""What works for a loop only while it is timed, and is gone at the end, is found in a real process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from tests.conftest import SMALL

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured

TIMED_S = 0.02
PROCESSES = "processes at the end of each training: expected one process, found"

HELPED = """
import ctypes
import os
import signal

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no process counts the CPU time of a child


def helped(state, batches):
    if "helper" not in vars(state):
        state.helper = {fork}()
        if state.helper == 0:
            signal.alarm(60)
            signal.pause()
    return epoch(state, batches)


def dismiss(state):
    if "helper" in vars(state):
        os.kill(state.helper, signal.SIGKILL)
        try:
            os.waitpid(state.helper, 0)  # returns when it has ended
        except ChildProcessError:
            del state.helper


def helped_to_its_end(state, batches):
    state = helped(state, batches)
    dismiss(state)
    return state


def dismissing_copy(state):
    dismiss(state)
    return copy(state)


run_epoch, export = {calls}
"""
HELPERS = {
    "from the first epoch to the export": HELPED.format(
        fork="ctypes.PyDLL(None).fork", calls="helped, dismissing_copy"
    ),
    "within an epoch": HELPED.format(fork="os.fork", calls="helped_to_its_end, copy"),
}


@pytest.mark.parametrize("helper", HELPERS)
def test_a_process_that_is_gone_when_the_timed_trainings_end_makes_the_row_invalid(
    helper: str, copy_of: Copy, measured: Measured
) -> None:
    helped = copy_of(
        "numpy_float32",
        ("def run_epoch(", "def epoch("),
        ("def export(", "def copy("),
        ("def loss_on_probabilities(", f"{HELPERS[helper]}\n\ndef loss_on_probabilities("),
    )

    row = measured(helped, SMALL, sample_s=TIMED_S)

    assert row.verdict is Verdict.INVALID, row
    assert f"{PROCESSES} 2" in (row.reason or "")
    assert row.processes == ()


ESCAPE = """
import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)
WAIT = "import os, time\\nwhile os.path.exists('/proc/{}'): time.sleep(0.05)".format(os.getpid())
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        os.execve(sys.executable, [sys.executable, "-SIc", WAIT], {})
    os._exit(0)
os.wait()
"""


def test_a_process_that_has_left_the_family_makes_the_row_invalid(copy_of: Copy, measured: Measured) -> None:
    escaped = copy_of("numpy_float32", ('TIER = "eager"\n', f'TIER = "eager"\n{ESCAPE}'))

    row = measured(escaped, SMALL, sample_s=TIMED_S)

    assert row.verdict is Verdict.INVALID, row
    assert f"{PROCESSES} 2" in (row.reason or "")
    assert row.processes == ()


@pytest.mark.parametrize(
    "when", ["not gc.isenabled()", f"problem.n_epochs != {SMALL.n_epochs}"], ids=["timed", "in trials"]
)
def test_a_cpu_that_was_not_allotted_is_seen_though_it_may_only_be_used_in_some_trainings(
    when: str, copy_of: Copy, measured: Measured
) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("this machine has one core only")
    wide = copy_of(
        "numpy_float32",
        ("import numpy as np\n", "import gc\nimport os\n\nimport numpy as np\n"),
        ('TIER = "eager"\n', 'TIER = "eager"\nOWN = os.sched_getaffinity(0)\n'),
        (
            "    del device\n",
            f"    os.sched_setaffinity(0, range(os.cpu_count()) if {when} else OWN)\n    del device\n",
        ),
    )

    row = measured(wide, SMALL, sample_s=TIMED_S)

    assert row.verdict is Verdict.INVALID, row
    assert "CPUs that its threads may run on: expected 1, found" in (row.reason or "")
    assert row.processes == ()
