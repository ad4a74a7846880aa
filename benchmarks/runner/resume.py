"""The folder that keeps workers' files until the result is written, so that a killed run resumes."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import BaseFileLock, FileLock, Timeout

from benchmarks.cases.code_digest import checkout_digest
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal
from benchmarks.paths import UNFINISHED
from benchmarks.records.provenance import Provenance


@dataclass(frozen=True)
class ResumeFolder:
    """The folder of one run: the same run, code, versions and machine have the same folder."""

    folder: Path
    lock: BaseFileLock

    @property
    def n_workers(self) -> int:
        """Number of workers whose results are there."""
        return len(list(self.folder.glob("*.jsonl")))

    @classmethod
    def of(cls, run_identity: object, provenance: Provenance, root: Path | None = None) -> Self:
        """Find or make the run's folder, and lock it.

        The `repr` of `run_identity` must show all cases and settings, and the contents of the files.

        Raises:
            UsageError: this run is already in progress, or the folder can't be made.
        """
        host = provenance.host
        machine = (host.machine, host.cpu, host.gpu, host.system)
        variables = (host.worker_variables, os.environ.get("CC"), os.environ.get("CXX"))
        identity = (run_identity, machine, provenance.versions, variables, checkout_digest())
        folder = (root or UNFINISHED) / hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
        lock = FileLock(folder / "lock")
        with explain_refusal(folder, remedy="--resume needs it"):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                message = f"this run is already in progress (lock: {lock.lock_file}); wait until it ends"
                raise UsageError(message) from None
        return cls(folder, lock)

    def release(self) -> None:
        """Let another process resume the run."""
        self.lock.release()

    def discard(self) -> None:
        """Remove the folder: the result is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()
