"""Looks around in timed trainings and trials: what is there only then would be gone when they have ended."""

import os
from dataclasses import dataclass, field

from benchmarks.worker import observe
from benchmarks.worker.start import TASKS, cpus_allowed, n_processes

FORKS: list[None] = []
"""One for each fork of this process by Python. It sees a process that is gone when its epoch ends."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: FORKS.append(None))


@dataclass
class Lookout:
    """The most that was seen so far."""

    n_processes: int = 1  # at once
    cpus: set[int] = field(default_factory=set)  # on which some thread might run
    growth_bytes: int = 0  # of the process's memory, from the start of a training to its peak
    _start_bytes: int | None = None
    _n_forks: int = 0

    def begin(self) -> None:
        """Note the memory that others than the next training take."""
        self._n_forks = len(FORKS)  # an honest first call may have compiled in processes that Python forks
        observe.clear_peak_host()
        self._start_bytes = observe.resident_host_bytes()

    def look(self) -> None:
        """Look around, in microseconds, after a training's last epoch and before its export."""
        forked = len(FORKS) > self._n_forks
        if forked or _has_children():
            self.n_processes = max(self.n_processes, n_processes() or 1, 1 + forked)
        self.cpus |= cpus_allowed() or set()
        if self._start_bytes is not None:
            peak_bytes = observe.peak_host_bytes() or 0
            self.growth_bytes = max(self.growth_bytes, peak_bytes - self._start_bytes)


def _has_children() -> bool:
    """Whether this process has children, which may have ended; False if the system can't say."""
    if not TASKS.exists():
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
