"""Looks around in timed trainings and trials: what is there only then would be gone when they have ended."""

import os
from dataclasses import dataclass

from benchmarks.worker.start import TASKS, n_processes


@dataclass
class Lookout:
    """The most that was seen so far."""

    n_processes: int = 1  # at once

    def look(self) -> None:
        """Look around, in microseconds, after a training's last epoch and before its export."""
        if _has_children():
            self.n_processes = max(self.n_processes, n_processes() or 1)


def _has_children() -> bool:
    """Whether this process has children, which may have ended; False if the system can't say."""
    if not TASKS.exists():
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
