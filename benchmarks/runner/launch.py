"""Starts a worker, waits for it and reports how it ended; its crash or hang does not harm the harness."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks.files import write_atomically
from benchmarks.runner.answers import Report, cut, is_incomplete, read_report, size_of, tail
from benchmarks.runner.signals import uninterrupted
from benchmarks.runner.strays import kill_strays
from benchmarks.runner.system import share_headers
from benchmarks.worker.env_vars import COUNTING_VARIABLES, home_in, runtime_variables, worker_environment
from benchmarks.worker.messages import Job

FOREIGN_CODE = "valgrind knows no AVX-512, so code compiled for this processor may not run under it"

POLL_S = 0.05

MAX_ANSWERS_BYTES = 2**30
"""Far more than the values of any training."""


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
    """Return the report of exactly this job from an earlier run that was killed, or None.

    Where a file can't be read, the job is done again.
    """
    files = Files.of(folder, name)
    try:
        if not files.results.exists() or files.job.read_text(encoding="utf-8") != job.to_json():
            return None
        if files.report.exists():
            return read_report(files.results, **json.loads(files.report.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    report = read_report(files.results, error=None, log="")
    return replace(report, cut_short=True) if report.results else None


def launch(job: Job, folder: Path, name: str) -> Report:
    """Run one worker to its end; its job, results, log and report stay in the folder under this name."""
    files, start = Files.of(folder, name), time.perf_counter()
    files.report.unlink(missing_ok=True)
    files.job.write_text(job.to_json(), encoding="utf-8")
    files.results.write_text("")
    files.log.write_text("")
    if job.caches:
        Path(home_in(job.caches)).mkdir(parents=True, exist_ok=True)
    error, n_strays = _run(job, files)
    wall_s = time.perf_counter() - start
    log = tail(files.log, 20)
    report = read_report(files.results, error=error, log=log, wall_s=wall_s, n_strays=n_strays)
    if not report.error and is_incomplete(report, job):
        report = replace(report, error="ended early, with exit status 0")
    kept = {"error": report.error, "log": log, "wall_s": wall_s, "n_strays": n_strays}
    write_atomically(files.report, json.dumps(kept))
    return report


def _run(job: Job, files: Files) -> tuple[str | None, int]:
    """Run the worker; return an error unless it ends by itself with exit status 0, and what it left behind.

    Whatever interrupts the wait (Ctrl-C) ends the worker, too.
    """
    with (
        # Its path must be short: sockets are made in it.
        tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as temporary,
        files.log.open("a", encoding="utf-8") as log,  # whatever is cut off meanwhile
        subprocess.Popen(  # noqa: S603 - our own module
            _command(job, _own_files(Path(temporary), files)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(job) | {"TMPDIR": share_headers(Path(temporary), files.log.parent)},
            start_new_session=True,
        ) as process,
    ):
        try:
            error = _wait(process, files, job.worker_timeout_s)
        finally:
            with uninterrupted():
                _kill(process)
                n_strays = kill_strays(temporary, process.pid)
    error = error or _exit_error(process.returncode, files.log, counted=job.counter is not None)
    return error, n_strays


def _wait(process: subprocess.Popen[bytes], files: Files, timeout_s: float) -> str | None:
    """Wait until it ends; return an error if it gives no new result for too long, or too many."""
    size, last_progress = 0, time.monotonic()
    while process.poll() is None:
        pause(process.pid, POLL_S)
        cut(files.log)
        if (now := size_of(files.results)) != size:
            size, last_progress = now, time.monotonic()
        if size > MAX_ANSWERS_BYTES:
            return f"answered with more than {MAX_ANSWERS_BYTES:,} bytes, killed"
        if time.monotonic() - last_progress > timeout_s:
            return f"no result within {timeout_s:g} s, killed (--worker-timeout raises the limit)"
    return None


def pause(pid: int, seconds: float) -> None:
    """Sleep for so long, or until the process ends where the system tells (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # it has ended, or the system is older than Linux 5.3
            with os.fdopen(os.pidfd_open(pid), "rb") as ends:
                select.select([ends], [], [], seconds)
            return
    time.sleep(seconds)


def _own_files(temporary: Path, files: Files) -> tuple[Path, Path]:
    """Make the job and the way to the results under names that are the same for each worker.

    Whether it will be inspected or timed shows in no argument of its process.
    """
    job, results = temporary / "job", temporary / "results"
    shutil.copyfile(files.job, job)
    results.symlink_to(files.results)
    return job, results


def _command(job: Job, files: tuple[Path, Path]) -> list[str]:
    # -P: the worker must not import files of the current folder.
    worker = [job.runtime.python, "-P", "-m", "benchmarks.worker"]
    command = [*worker, *map(str, (*files, os.getpid()))]
    return [*command_under(job.counter), *command] if job.counter else command


def command_under(counter: str) -> list[str]:
    """Return the start of the command of a process that is counted; its dumps go next to the library."""
    options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counter}.%p"]
    return ["valgrind", "--quiet", *options]


def _environment(job: Job) -> dict[str, str]:
    environment = worker_environment(
        n_cores=max(1, len(job.cpus)),
        caches=job.caches,
        cpu_only=job.devices == ("cpu",),
        precision=job.precision,
    )
    return environment | (COUNTING_VARIABLES if job.counter else {}) | runtime_variables(job.runtime)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and all processes that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _exit_error(status: int, log_file: Path, *, counted: bool) -> str | None:
    """Describe an exit status other than 0."""
    if status == 0:
        return None
    if status > 0:
        return f"ended with exit status {status}: {tail(log_file, 1)}"  # a traceback ends with the error
    if status == -signal.SIGKILL:
        return "killed by SIGKILL; often this is the system being out of memory"
    foreign = f": {FOREIGN_CODE}" if counted and status == -signal.SIGILL else ""
    return f"killed by signal {-status} ({signal.strsignal(-status)}){foreign}"
