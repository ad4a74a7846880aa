"""Workers that prepare at the same time, each on CPUs of its own, are timed one after another, alone.

The lock of a file says whether any of them works: each holds it with the others, and alone while it is timed.
The system releases it when its holder ends, however it ends. A second lock keeps the order.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from benchmarks.worker.messages import Job, Turn
from benchmarks.worker.start import move

with contextlib.suppress(ImportError):  # on Windows, where no two workers work at the same time
    from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock

PAUSE_S = 0.01
"""A worker that has been timed pauses this long, so that one that waits to be timed gets the lock first."""


@dataclass(frozen=True)
class Place:
    """A worker's place among those that work at the same time, until it is closed or the process ends."""

    is_first: bool = False  # to be timed
    locks: tuple[IO[str], IO[str]] | None = None  # of `working` and `untimed` below; None: it is alone

    @classmethod
    def at(cls, gate: str | None, *, is_first: bool) -> Self:
        """Take a place at the gate, the start of two files' paths; without one, the worker is alone.

        From now on no other worker is timed before this one waits for its turn or ends. If it is the first
        one, no other is timed before it.
        """
        if gate is None:
            return cls()
        working, untimed = _opened(f"{gate}-working"), _opened(f"{gate}-untimed")
        flock(working, LOCK_SH)
        if is_first:
            flock(untimed, LOCK_SH)
        return cls(is_first, (working, untimed))

    def close(self) -> None:
        """Let the others go on without it."""
        for lock in self.locks or ():
            lock.close()

    @contextlib.contextmanager
    def timed(self, job: Job, tell: Callable[[Turn], None]) -> Iterator[None]:
        """Wait until no other worker works and the first one has been timed; let none work meanwhile.

        All threads move to the job's CPUs, and back at the end. If another worker is timed next, this one
        then waits until that timing has ended.
        """
        if self.locks is None:
            yield
            return
        working, untimed = self.locks
        tell(Turn(came=False))
        if not self.is_first:
            flock(working, LOCK_UN)
            flock(untimed, LOCK_EX)
            flock(untimed, LOCK_UN)
        flock(working, LOCK_EX)
        tell(Turn(came=True))
        move(job.cpus)
        try:
            yield
        finally:
            move(job.prepare_on)
            tell(Turn(came=False))
            flock(untimed, LOCK_UN)
            flock(working, LOCK_UN)
            time.sleep(PAUSE_S)
            flock(working, LOCK_SH)
            if self.is_first:
                flock(untimed, LOCK_SH)
            tell(Turn(came=True))


def _opened(path: str) -> IO[str]:
    """Open a file whose lock is held until it is closed."""
    return Path(path).open("a", encoding="utf-8")
