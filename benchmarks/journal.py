"""Where a long run keeps its workers' files until its record is written, so that a kill costs little."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from benchmarks.environment import code_digest
from benchmarks.errors import UsageError
from benchmarks.launch import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import TextIOWrapper
    from pathlib import Path

    from benchmarks.contest import Settings
    from benchmarks.environment import Provenance
    from benchmarks.tally import Case

UNFINISHED = ROOT / "results" / "unfinished"


@dataclass(frozen=True)
class Journal:
    """The folder of one run. The same cases, settings, code, versions and machine have the same folder."""

    folder: Path
    lock: TextIOWrapper
    n_workers: int  # whose results are there from before

    @classmethod
    def of(
        cls, cases: Sequence[Case], settings: Settings, provenance: Provenance, root: Path = UNFINISHED
    ) -> Self:
        """Find the run's folder, or make it, and keep others out.

        Raises:
            UsageError: another process is measuring the same run, or the folder can't be made.

        """
        machine = (provenance.machine, provenance.cpu, provenance.gpu, provenance.system)
        files = [case.entry.path.read_bytes() for case in cases]
        variables = (provenance.worker_variables, os.environ.get("CC"), os.environ.get("CXX"))
        identity = (cases, settings, machine, provenance.versions, variables, code_digest(), files)
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
            message = f"another process is measuring this very run (its lock: {folder / 'lock'}); wait for it"
            raise UsageError(message) from None
        return cls(folder, lock, n_workers=len(list(folder.glob("*.jsonl"))))

    def release(self) -> None:
        """Let another process go on with the run."""
        self.lock.close()

    def discard(self) -> None:
        """Remove the folder: the record is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()
