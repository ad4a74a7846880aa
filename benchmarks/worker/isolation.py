"""Observes whether all that is timed is this process, on its CPUs, by the system's clocks."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PROCESSES, TASKS = Path("/proc"), Path("/proc/self/task")

CLOCKS = {name: getattr(time, name) for name in ("perf_counter", "process_time", "monotonic", "time")}
"""The functions as they are when this module is loaded, which is before the implementation is."""


def adopt_orphans() -> None:
    """On Linux, become the parent of the processes whose parent, started by this process, has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def n_processes() -> int | None:
    """Count this process and its living descendants; None if the system can't say."""
    if not TASKS.exists():
        return None
    parents: dict[int, int] = {}
    for folder in PROCESSES.iterdir():
        with suppress(OSError, ValueError):  # another file, or a process that has just ended
            fields = (
                (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return len(family)


def cpus_allowed() -> set[int] | None:
    """Return the CPUs that some thread of this process may run on; None if the system can't say."""
    if not TASKS.exists():
        return None
    allowed: set[int] = set()
    for task in TASKS.iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            allowed |= os.sched_getaffinity(int(task.name))
    return allowed


def replaced_clocks() -> list[str]:
    """Name the functions of `time` that are no longer Python's own."""
    return [name for name, function in CLOCKS.items() if getattr(time, name) is not function]
