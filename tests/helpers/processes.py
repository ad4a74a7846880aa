"""Processes that a test expects to end."""

from __future__ import annotations

import time


def runs(pid: int) -> bool:
    """Check that the process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - /proc
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int, within_s: float = 30) -> bool:
    """Wait until the process has ended: the system may carry a kill out later."""
    deadline = time.monotonic() + within_s
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(pid)
