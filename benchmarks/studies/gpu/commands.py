"""Runs one line of a session: its commands, each in a process group that ends with its time."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.paths import CODE
from benchmarks.runner.signals import interruptible
from benchmarks.studies.gpu.lines import Line

GRACE_S = 10.0
"""So long a line may take to write its record after SIGTERM, before SIGKILL."""

WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Begins a command so that on Linux the system ends it if the session is killed."""


def run_all(line: Line, folder: Path, end_s: float) -> Iterator[str]:
    """Run the line's commands one after another; yield why one was not done."""
    for number, command in enumerate(line.commands, start=1):
        left_s, name = end_s - time.monotonic(), f"command {number} of {len(line.commands)}"
        if left_s <= 0:
            yield f"{name}: no time left"
            return
        arguments = [each.format(out=folder, seconds=max(int(left_s - GRACE_S), 1)) for each in command]
        with (folder / f"{number}.log").open("wb") as log:
            status = _run([sys.executable, "-u", *arguments], log, left_s)  # -u: what it printed is not lost
        if status is None:
            yield f"{name}: ended after {left_s:.0f} s"
        elif status not in line.statuses:
            yield f"{name}: exit status {status}, see {folder.name}/{number}.log"


def _run(command: Sequence[str], log: io.BufferedWriter, limit_s: float) -> int | None:
    """Run the command in its own process group; return its exit status, None if it was ended."""
    process = subprocess.Popen(  # noqa: S603 - this Python, with a line of our list, without a shell
        [sys.executable, "-c", WITH_PARENT, *command],
        cwd=CODE,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    try:
        with interruptible():
            return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group: first so that it can write its record."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
