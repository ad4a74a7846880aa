"""Starts a worker, waits for it and reports how it ended; its crash or hang does not harm the harness."""

import contextlib
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Self

from benchmarks.decode import decode
from benchmarks.files import write_atomically
from benchmarks.runner.answers import (
    Ending,
    Report,
    by_rank,
    cut,
    is_incomplete,
    read_reports,
    size_of,
    tail,
    waits_for_its_turn,
)
from benchmarks.runner.gang import Gang, agent_command, kill_strays, signalled
from benchmarks.runner.signals import uninterrupted
from benchmarks.runner.system import share_headers
from benchmarks.worker.env_vars import COUNTING_VARIABLES, home_in, runtime_variables, worker_environment
from benchmarks.worker.messages import Job
from benchmarks.worker.turns import Place

FOREIGN_CODE = "valgrind knows no AVX-512, so code compiled for this processor may not run under it"

POLL_S = 0.05

WORKER = "benchmarks.worker"
RANKS_VARIABLES = {"PYTHONSAFEPATH": "1"}
"""Ranks are started without -P."""

MAX_ANSWERS_BYTES = 2**30
"""Far more than the values of any training."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a worker shares with another one that works at the same time; see benchmarks.worker.turns."""

    turn: int = 0  # to be timed, from 0
    place: Place = field(default_factory=Place)  # until its first answer, when it has its own
    stop: Event = field(default_factory=Event)  # if set, it is asked to end


@dataclass(frozen=True)
class Files:
    """A worker's files, which stay in the run's folder under its name."""

    job: Path
    results: Path
    log: Path
    report: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Self:
        """Return their paths."""
        return cls(*(folder.resolve() / f"{name}.{end}" for end in ("job", "jsonl", "log", "report")))


def recall(job: Job, folder: Path, name: str) -> Report | None:
    """Return the report of this job from a run that was killed, or None.

    Two sides that are the same may then have prepared at once, and each was inspected on unseen problems; one
    by one, the second shares what the first has shown. Where a file can't be read, the job is done again.
    """
    files = Files.of(folder, name)
    try:
        if not files.results.exists():
            return None
        done = Job.from_json(files.job.read_text(encoding="utf-8"))
        if _measured_by(done) != _measured_by(job) or done.n_unseen < job.n_unseen:
            return None
        answers = by_rank(files.results, job.n_ranks)
        if files.report.exists():
            return read_reports(answers, decode(Ending, json.loads(files.report.read_text(encoding="utf-8"))))
        report = read_reports(answers, Ending(error=None, log=""))
    except (OSError, ValueError, TypeError):
        return None
    return replace(report, cut_short=True) if report.results else None


def _measured_by(job: Job) -> Job:
    """Return the job without what may differ between two that measure the same."""
    return replace(job, unseen_seed=0, n_unseen=0, prepare_on=(), gate=None, is_first=False)


def launch(job: Job, folder: Path, name: str, beside: Beside | None = None) -> Report:
    """Run one worker to its end; its job, results, log and report stay in the folder under this name.

    Raises:
        KeyboardInterrupt: Ctrl-C came, here or in the thread that asks for its end; it has ended.
    """
    files, start = Files.of(folder, name), time.perf_counter()
    files.report.unlink(missing_ok=True)
    files.job.write_text(job.to_json(), encoding="utf-8")
    for file in by_rank(files.results, job.n_ranks):
        file.write_text("")
    files.log.write_text("")
    if job.caches:
        Path(home_in(job.caches)).mkdir(parents=True, exist_ok=True)
    ending = replace(_run(job, files, beside or Beside()), wall_s=time.perf_counter() - start)
    report = read_reports(by_rank(files.results, job.n_ranks), ending)
    if not report.error and is_incomplete(report, job):
        report = replace(report, error="ended early, with exit status 0")
    write_atomically(files.report, json.dumps(asdict(replace(ending, error=report.error))))
    return report


def _run(job: Job, files: Files, beside: Beside) -> Ending:
    """Run the worker, or its ranks.

    Whatever interrupts the wait (Ctrl-C) ends the worker, too.
    """
    with (
        # Its path must be short: sockets are made in it.
        tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as temporary,
        files.log.open("a", encoding="utf-8") as log,  # whatever is cut off meanwhile
        subprocess.Popen(  # noqa: S603 - a module of ours on a Python that the user named, without a shell
            _command(job, _own_files(Path(temporary), files, job.n_ranks), logs := Path(temporary, "logs")),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(job) | {"TMPDIR": share_headers(Path(temporary), files.log.parent)},
            start_new_session=True,
        ) as process,
    ):
        gang = Gang(process.pid, job.n_ranks, logs)
        try:
            error = _wait(process, gang, files, job, beside)
        finally:
            with uninterrupted():
                gang.kill()
                process.wait()
                n_strays = kill_strays(temporary, gang.groups)
        return replace(_end(process.returncode, error, gang, files, job), n_strays=n_strays)


def _end(status: int, error: str | None, gang: Gang, files: Files, job: Job) -> Ending:
    """Describe how a worker ended that was waited for without this error, or with it."""
    culprit, what = gang.culprit(files.log) if status > 0 else (None, "")
    if culprit is not None:
        error = f"rank {culprit} on {platform.node()}: {what}"
    if not error and (error := _exit_error(status, files.log, counted=job.counter is not None)):
        error = f"the agent that starts the ranks: {error}" if job.n_ranks > 1 else error
    return Ending(error=error, culprit=culprit, log=gang.log(files.log))


def _wait(process: subprocess.Popen[bytes], gang: Gang, files: Files, job: Job, beside: Beside) -> str | None:
    """Wait until it ends; return an error if it gives no new result for too long, or too many."""
    size, last_progress, timeout_s = 0, time.monotonic(), job.worker_timeout_s
    while process.poll() is None:
        pause(process.pid, POLL_S)
        if beside.stop.is_set():
            raise KeyboardInterrupt
        gang.watch()
        for log in (files.log, *gang.log_files()):
            cut(log)
        if (now := sum(map(size_of, by_rank(files.results, job.n_ranks)))) != size:
            size, last_progress = now, time.monotonic()
            beside.place.close()
            # Those that it waits for have their own limits, which began earlier.
            timeout_s = job.worker_timeout_s * (1 + waits_for_its_turn(files.results))
        if size > MAX_ANSWERS_BYTES:
            return f"answered with more than {MAX_ANSWERS_BYTES:,} bytes, killed"
        if time.monotonic() - last_progress > timeout_s:
            limit = f"no result within {job.worker_timeout_s:g} s, killed (--worker-timeout raises the limit)"
            return limit + gang.whereabouts(job.path)
    return None


def pause(pid: int, seconds: float) -> None:
    """Sleep for so long, or until the process ends where the system tells (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it has ended, or the system is older than Linux 5.3
            with os.fdopen(os.pidfd_open(pid), "rb") as ends:
                select.select([ends], [], [], seconds)
            return
    time.sleep(seconds)


def _own_files(temporary: Path, files: Files, n_ranks: int) -> tuple[Path, Path]:
    """Make the job and the way to the results under names that are the same for each worker.

    Whether it will be inspected or timed shows in no argument of its process.
    """
    job, results = temporary / "job", temporary / "results"
    shutil.copyfile(files.job, job)
    for own, file in zip(by_rank(results, n_ranks), by_rank(files.results, n_ranks), strict=True):
        own.symlink_to(file)
    return job, results


def _command(job: Job, files: tuple[Path, Path], logs: Path) -> list[str]:
    if job.n_ranks > 1:  # whose parent is the agent
        return [*agent_command(job.runtime.python, job.n_ranks, logs), WORKER, *map(str, (*files, 0))]
    # -P: the worker must not import files of the current folder.
    command = [job.runtime.python, "-P", "-m", WORKER, *map(str, (*files, os.getpid()))]
    return [*command_under(job.counter), *command] if job.counter else command


def command_under(counter: str) -> list[str]:
    """Return the start of the command of a process that is counted; its dumps go next to the library."""
    options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counter}.%p"]
    return ["valgrind", "--quiet", *options]


def _environment(job: Job) -> dict[str, str]:
    environment = worker_environment(
        n_cores=max(1, len(job.cpus) // job.n_ranks),
        caches=job.caches,
        cpu_only=job.devices == ("cpu",),
        precision=job.precision,
    )
    environment |= COUNTING_VARIABLES if job.counter else {}
    environment |= RANKS_VARIABLES if job.n_ranks > 1 else {}
    return environment | runtime_variables(job.runtime)


def _exit_error(status: int, log_file: Path, *, counted: bool) -> str | None:
    """Describe an exit status other than 0."""
    if status == 0:
        return None
    if status > 0:
        return f"ended with exit status {status}: {tail(log_file, 1)}"  # a traceback ends with the error
    foreign = f": {FOREIGN_CODE}" if counted and status == -signal.SIGILL else ""
    return signalled(-status) + foreign
