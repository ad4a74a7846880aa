"""Processes that a loop leaves behind when its worker has ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from tests.helpers.processes import ends
from tests.helpers.rounds import rows_of

if TYPE_CHECKING:
    from tests.conftest import Copy

RUN_EPOCH = '    """Train on each batch in order."""\n'


@pytest.mark.parametrize("where", ["the import", "an epoch"])
def test_a_process_that_outlives_its_worker_is_killed_and_makes_all_rows_invalid(
    where: str, copy_of: Copy, tmp_path: Path
) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("this system does not show the variables of a process")
    pids = tmp_path / "pids"
    fork = f"""
import os, time


def leave():
    if os.fork() == 0:
        os.setsid()
        with open({str(pids)!r}, "a") as file:
            print(os.getpid(), file=file)
        time.sleep(60)
        os._exit(0)
"""
    leave = (
        (RUN_EPOCH, RUN_EPOCH + "    leave()\n")
        if where == "an epoch"
        else ('TIER = "eager"\n', 'TIER = "eager"\nleave()\n')
    )
    leaving = copy_of("numpy_float32", ("import numpy as np\n", fork + "import numpy as np\n"), leave)

    rows = rows_of([leaving], tmp_path)

    for row in rows.values():
        assert row.verdict is Verdict.INVALID
        assert "processes that outlive the worker, in whatever session: expected none, found" in (
            row.reason or ""
        )
    assert all(ends(int(pid)) for pid in pids.read_text().split())
