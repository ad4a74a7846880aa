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
"""Whoever has been timed asks for the lock again so much later: after those that wait to be timed."""


@dataclass(frozen=True)
class Place:
    """A worker's place among those that work at the same time, until it is closed or the process ends."""

    is_first: bool = False  # to be timed
    locks: tuple[IO[str], IO[str]] | None = None  # of `working` and `untimed` below; None: it is alone

    @classmethod
    def at(cls, gate: str | None, *, is_first: bool) -> Self:
        """Say that it works, and of the first one that it has not been timed; without a gate it is alone."""
        if gate is None:
            return cls()
        working = Path(f"{gate}-working").open("a")  # noqa: SIM115 - open as long as the lock is held
        untimed = Path(f"{gate}-untimed").open("a")  # noqa: SIM115 - so, too
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
        """Wait until the worker before this one has been timed and none works; let none work meanwhile.

        Only then it is on the job's CPUs, with all its threads. It waits again, to work on, if another one is
        timed next.
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
