"""Processes that a test starts in another folder, or expects to end."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from benchmarks.paths import CODE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def called_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that is not ours; it finds our packages, as after an editable install."""
    return subprocess.run(  # noqa: S603 - a test's own command, without a shell
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CODE)},
        capture_output=True,
        text=True,
        check=False,
    )


def called_here(main: Callable[[list[str]], int], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Call a program's main function in this process: a new one would load everything again."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main([*map(str, arguments)])
    return subprocess.CompletedProcess([], status, out.getvalue(), err.getvalue())


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
