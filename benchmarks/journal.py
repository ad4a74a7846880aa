"""Where workers' files go; of what can be resumed, until its result is written: a kill then costs little."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.environment import code_digest
from benchmarks.errors import UsageError
from benchmarks.launch import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper

    from benchmarks.environment import Provenance

UNFINISHED = ROOT / "results" / "unfinished"


@dataclass(frozen=True)
class Journal:
    """The folder of one undertaking. The same one, code, versions and machine have the same folder."""

    folder: Path
    lock: TextIOWrapper

    @property
    def n_workers(self) -> int:
        """Say of how many workers there are results."""
        return len(list(self.folder.glob("*.jsonl")))

    @classmethod
    def of(cls, undertaking: object, provenance: Provenance, root: Path = UNFINISHED) -> Self:
        """Find the folder of what is to be done, or make it, and keep others out.

        The `undertaking` is known by its `repr`: all that is measured, how, and what the files contain.

        Raises:
            UsageError: another process is measuring the same, or the folder can't be made.

        """
        machine = (provenance.machine, provenance.cpu, provenance.gpu, provenance.system)
        variables = (provenance.worker_variables, os.environ.get("CC"), os.environ.get("CXX"))
        identity = (undertaking, machine, provenance.versions, variables, code_digest())
        folder = root / hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w", encoding="utf-8")
        except OSError as error:
            message = f"{folder}: can't be written ({error.strerror}); --resume needs it"
            raise UsageError(message) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            message = f"another process is measuring the very same (its lock: {folder / 'lock'}); wait for it"
            raise UsageError(message) from None
        return cls(folder, lock)

    def release(self) -> None:
        """Let another process go on with the run."""
        self.lock.close()

    def discard(self) -> None:
        """Remove the folder: the result is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()


@dataclass
class Workplace:
    """Where something is measured: on which machine, and a folder for workers' files meanwhile."""

    folder: Path
    provenance: Provenance
    n_workers: int = 0  # whose results are there from before
    is_done: bool = False  # its result is written: nobody will go on


@contextlib.contextmanager
def workplace(undertaking: object | None, provenance: Provenance) -> Iterator[Workplace]:
    """Give the folder of a comparison, which stays until that is done; for None a temporary one.

    Raises:
        UsageError: another process is measuring the same, or the folder can't be made.

    """
    if undertaking is None:
        with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as temporary:
            yield Workplace(Path(temporary), provenance)
        return
    journal = Journal.of(undertaking, provenance)
    forget_latest_pair(journal.folder)
    place = Workplace(journal.folder, provenance, journal.n_workers)
    try:
        yield place
    finally:
        if place.is_done:
            journal.discard()
        else:
            journal.release()


def forget_latest_pair(folder: Path) -> None:
    """Have the pair measured again in which the harness was killed: its sides would lie hours apart."""
    results = list(folder.glob("*.jsonl"))
    if results:
        latest = max(results, key=lambda file: file.stat().st_mtime)
        pair, *_ = latest.name.rsplit("-", 3)  # see benchmarks.duel
        for file in folder.glob(f"{pair}-*"):
            file.unlink()
