"""Finds and ends what a worker leaves behind."""

import contextlib
import os
import signal
from pathlib import Path


def kill_strays(temporary: str, worker: int) -> int:
    """Kill the processes that have the worker's temporary folder but left its group; return their number."""
    mark, n_strays = f"TMPDIR={temporary}".encode(), 0
    for environment in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environment.parent.name)
        with contextlib.suppress(OSError):  # another user's, or a process that has just ended
            if mark in environment.read_bytes().split(b"\0") and os.getpgid(pid) != worker:
                os.kill(pid, signal.SIGKILL)
                n_strays += 1
    return n_strays
