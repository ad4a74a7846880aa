"""Without pinning, as on macOS, only its CPU time shows that a loop computes on more cores."""

from __future__ import annotations

import inspect
import os
import time
from hashlib import sha256
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured


def keep_busy() -> None:
    """Hash in several threads: that lets go of Python's lock."""
    threads = [Thread(target=sha256, args=(bytes(5_000_000),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cores_to_be_had() -> float:
    """Return the number of cores whose time busy threads get, on a machine that may be busy."""
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(10):
        keep_busy()
    return (time.process_time() - cpu_start) / (time.perf_counter() - wall_start)


def test_threads_on_more_cores_than_allotted_are_seen_by_their_time(
    copy_of: Copy, measured: Measured
) -> None:
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    if len(allowed) < 2:
        pytest.skip("only one CPU may be used here: threads can't be busy at the same time")
    path = copy_of(
        "numpy_float32",
        (
            "import numpy as np\n",
            "from hashlib import sha256\nfrom threading import Thread\n\nimport numpy as np\n",
        ),
        ('TIER = "eager"\n', f'TIER = "eager"\n{inspect.getsource(keep_busy)}'),
        ("    state.losses = []\n", "    state.losses = []\n    keep_busy()\n"),
    )

    before = cores_to_be_had()
    row = measured(path, sample_s=0.02, pinned=False)
    n_cores = min(before, cores_to_be_had())

    if row.verdict is Verdict.VERIFIED and n_cores < 1.5:
        pytest.skip(f"the machine is busy: {n_cores:.1f} cores to be had")
    assert row.verdict is Verdict.INVALID, row
    assert "CPU time over wall time: expected at most 1 core, found " in (row.reason or "")
    assert row.processes == ()
