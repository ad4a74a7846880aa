"""Slots → jobs of submitit: on a SLURM cluster each on its own node, else here, one at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from benchmarks.campaign.slots import Slot
from benchmarks.errors import UsageError
from benchmarks.paths import CODE

LOCAL, SLURM = "local", "slurm"
VISIBLE = "CUDA_VISIBLE_DEVICES"

BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from benchmarks.campaign.job import main; main()"
"""Starts a job wherever the code is; a path in the environment would reach the workers, too."""

ALIVE = ("PENDING", "RUNNING", "REQUEUED", "COMPLETING", "CONFIGURING", "SUSPENDED")
"""States of SLURM in which a job may still measure."""


@dataclass(frozen=True)
class Job:
    """A job of a slot."""

    slot: Slot
    handle: submitit.Job[Any]

    @property
    def id(self) -> str:
        """Return its number: the scheduler's, or that of the process here."""
        return str(self.handle.job_id)

    @property
    def log(self) -> Path:
        """Return the file with all that it printed."""
        return Path(self.handle.paths.stdout)


@dataclass(frozen=True)
class Site:
    """Where the jobs run."""

    executor: submitit.AutoExecutor
    folder: Path

    @property
    def is_here(self) -> bool:
        """Return whether it is this machine."""
        return bool(self.executor.cluster == LOCAL)

    def submit(self, slot: Slot) -> Job:
        """Submit the slot's job, and note its number for a later call.

        Raises:
            UsageError: the scheduler refuses it.
        """
        campaign = os.getpid() if self.is_here else 0
        command = ["env", *(_own_gpus() if self.is_here else ()), sys.executable, "-P", "-u", "-c", BOOT]
        command += [str(CODE), str(campaign), *slot.arguments]
        try:
            # It becomes the command: a child of submitit's process could survive it.
            handle = self.executor.submit(os.execvp, command[0], command)
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            message = f"{slot.description}: the scheduler refused the job: {' '.join(str(error).split())}"
            raise UsageError(message) from None
        job = Job(slot, handle)
        slot.job_file.write_text(job.id, encoding="utf-8")
        return job

    def earlier_job(self, slot: Slot) -> Job | None:
        """Return the job that an earlier call submitted, if the cluster still has it."""
        if self.is_here or not slot.job_file.exists():
            return None
        handle: submitit.Job[Any] = submitit.SlurmJob(self.folder, slot.job_file.read_text(encoding="utf-8"))
        return Job(slot, handle) if handle.state.partition(" ")[0] in ALIVE else None

    def has_ended(self, job: Job) -> bool:
        """Check whether the job has ended, or has written its record."""
        if self.is_here:
            return bool(job.handle.done())
        return job.slot.is_done or bool(job.handle.done(force_check=True))

    def cancel(self, jobs: Sequence[Job]) -> None:
        """Ask the jobs to end; `run` then writes what it has measured."""
        for job in jobs:
            if not self.is_here:
                job.handle.cancel(check=False)
            elif not job.handle.done():
                os.kill(int(job.id), signal.SIGTERM)  # submitit's process passes it on


def _own_gpus() -> tuple[str, ...]:
    """Return arguments of `env` that let a job see the GPUs that this process sees; submitit hides them."""
    visible = os.environ.get(VISIBLE)
    return ("-u", VISIBLE) if visible is None else (f"{VISIBLE}={visible}",)


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back until the end, and let no child know of it: it reaches the campaign alone.

    A job that was just submitted would otherwise be lost: it is among those that the campaign ends only once
    its number is known. submitit would kill a job a second after Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
    if came:
        raise KeyboardInterrupt


def open_site(folder: Path, *, minutes: int, slurm: Mapping[str, str], here: bool) -> Site:
    """Find the cluster, or this machine where there is none or where `here` asks for it.

    Raises:
        UsageError: there is no cluster for the options of SLURM.
    """
    executor = submitit.AutoExecutor(folder, cluster=LOCAL if here else None)
    if slurm and executor.cluster != SLURM:
        message = (
            f"--slurm-{next(iter(slurm))}: expected a SLURM cluster, found no srun on the path; leave the "
            "option out to measure the slots here, one after another"
        )
        raise UsageError(message)
    executor.update_parameters(
        name="perceptron-bench",
        timeout_min=minutes,
        stderr_to_stdout=True,
        slurm_exclusive=True,
        slurm_srun_args=["--cpu-bind=none"],  # else the harness and its workers may have to share one core
        **{f"slurm_{name}": value for name, value in slurm.items()},
    )
    return Site(executor, folder)
