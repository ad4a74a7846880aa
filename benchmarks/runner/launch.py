"""Starts a worker, waits for it and reports how it ended; its crash or hang does not harm the harness."""

import contextlib
import getpass
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.files import write_atomically
from benchmarks.runner.output import cut, size_of, tail
from benchmarks.runner.signals import uninterrupted
from benchmarks.runner.strays import kill_strays
from benchmarks.worker.env_vars import COUNTING_VARIABLES, home_in, runtime_variables, worker_environment
from benchmarks.worker.messages import Failure, Job, Measurement, Message, Readiness, message_from_json

FOREIGN_CODE = "valgrind knows no AVX-512, so code compiled for this processor may not run under it"

POLL_S = 0.05

MAX_ANSWERS_BYTES = 2**30
"""Far more than the values of any training."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a worker answered, and the error that ended it early, if there was one."""

    readiness: Readiness | None
    results: tuple[Measurement | Failure, ...]
    others: tuple[Readiness, ...] = ()  # of the job's other files
    error: str | None
    log: str  # the last lines of its output
    wall_s: float | None = None  # from its start to its end; None: unknown
    n_strays: int = 0  # processes that it left behind; they were killed
    cut_short: bool = False  # the harness itself was killed; the answers until then are kept


def recall(job: Job, folder: Path, name: str) -> Report | None:
    """Return the report of exactly this job from an earlier run that was killed, or None.

    Where a file can't be read, the job is done again.
    """
    job_file, results_file, report_file = (folder / f"{name}.{end}" for end in ("job", "jsonl", "report"))
    try:
        if not results_file.exists() or job_file.read_text(encoding="utf-8") != job.to_json():
            return None
        if report_file.exists():
            return _read_report(results_file, **json.loads(report_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    report = _read_report(results_file, error=None, log="")
    return replace(report, cut_short=True) if report.results else None


def launch(job: Job, folder: Path, name: str) -> Report:
    """Run one worker to its end; its job, results, log and report stay in the folder under this name."""
    job_file, results_file, log_file, report_file = (
        folder.resolve() / f"{name}.{end}" for end in ("job", "jsonl", "log", "report")
    )
    report_file.unlink(missing_ok=True)
    start = time.perf_counter()
    job_file.write_text(job.to_json(), encoding="utf-8")
    results_file.write_text("")
    log_file.write_text("")
    if job.caches:
        Path(home_in(job.caches)).mkdir(parents=True, exist_ok=True)
    error, n_strays = _run(job, job_file, results_file, log_file)
    wall_s = time.perf_counter() - start
    log = tail(log_file, 20)
    report = _read_report(results_file, error=error, log=log, wall_s=wall_s, n_strays=n_strays)
    if not report.error and _is_incomplete(report, job):
        report = replace(report, error="ended early, with exit status 0")
    kept = {"error": report.error, "log": log, "wall_s": wall_s, "n_strays": n_strays}
    write_atomically(report_file, json.dumps(kept))
    return report


def _run(job: Job, job_file: Path, results_file: Path, log_file: Path) -> tuple[str | None, int]:
    """Run the worker; return an error unless it ends by itself with exit status 0, and what it left behind.

    Whatever interrupts the wait (Ctrl-C) ends the worker, too.
    """
    with (
        # Its path must be short: sockets are made in it.
        tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as temporary,
        log_file.open("a", encoding="utf-8") as log,  # whatever is cut off meanwhile
        subprocess.Popen(  # noqa: S603 - our own module
            _command(job, *_own_files(Path(temporary), job_file, results_file)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(job) | {"TMPDIR": _with_headers(Path(temporary), log_file.parent)},
            start_new_session=True,
        ) as process,
    ):
        try:
            error = _wait(process, results_file, log_file, job.worker_timeout_s)
        finally:
            with uninterrupted():
                _kill(process)
                n_strays = kill_strays(temporary, process.pid)
    error = error or _exit_error(process.returncode, log_file, counted=job.counter is not None)
    return error, n_strays


def _own_files(temporary: Path, job_file: Path, results_file: Path) -> tuple[Path, Path]:
    """Make the job and the way to the results under names that are the same for each worker.

    Whether it will be inspected or timed shows in no argument of its process.
    """
    job, results = temporary / "job", temporary / "results"
    shutil.copyfile(job_file, job)
    results.symlink_to(results_file)
    return job, results


def _command(job: Job, job_file: Path, results_file: Path) -> list[str]:
    # -P: the worker must not import files of the current folder.
    worker = [job.runtime.python, "-P", "-m", "benchmarks.worker"]
    command = [*worker, str(job_file), str(results_file), str(os.getpid())]
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


def _with_headers(temporary: Path, folder: Path) -> str:
    """Let the headers that PyTorch compiles into the temporary folder serve all workers of the run.

    It compiles them, for ten seconds, even where all loops are cached: when it is woken, before first calls.
    """
    with contextlib.suppress(OSError, KeyError):  # a user without a name; each worker then compiles them
        (theirs := temporary / f"torchinductor_{getpass.getuser()}").mkdir()
        (kept := folder.absolute() / "headers").mkdir(exist_ok=True)
        (theirs / "precompiled_headers").symlink_to(kept)
    return str(temporary)


def _wait(
    process: subprocess.Popen[bytes], results_file: Path, log_file: Path, timeout_s: float
) -> str | None:
    """Wait until the worker ends; return an error if it gives no new result for this long, or too many."""
    size, last_progress = 0, time.monotonic()
    while process.poll() is None:
        time.sleep(POLL_S)
        cut(log_file)
        if (now := size_of(results_file)) != size:
            size, last_progress = now, time.monotonic()
        if size > MAX_ANSWERS_BYTES:
            return f"answered with more than {MAX_ANSWERS_BYTES:,} bytes, killed"
        if time.monotonic() - last_progress > timeout_s:
            return f"no result within {timeout_s:g} s, killed (--worker-timeout raises the limit)"
    return None


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


def _read_report(
    results_file: Path, *, error: str | None, log: str, wall_s: float | None = None, n_strays: int = 0
) -> Report:
    """Read the answers that come before the first line that is none."""
    messages: list[Message] = []
    try:
        messages.extend(_messages(results_file))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as fault:
        error = error or f"its answer can't be read ({type(fault).__name__}: {fault})"
    ready = [each for each in messages if isinstance(each, Readiness)]
    return Report(
        readiness=ready[0] if ready else None,
        others=tuple(ready[1:]),
        results=tuple(each for each in messages if not isinstance(each, Readiness)),
        error=error,
        log=log,
        wall_s=wall_s,
        n_strays=n_strays,
    )


def _messages(results_file: Path) -> Iterator[Message]:
    """Read the complete lines; a worker killed in the middle of a line leaves it unread."""
    with results_file.open("rb") as file:
        yield from (message_from_json(line.decode()) for line in file if line.endswith(b"\n"))


def _is_incomplete(report: Report, job: Job) -> bool:
    """Check whether an answer is missing, though the implementation can run."""
    if report.readiness is None:
        return True
    return not any(report.readiness.unavailable.values()) and len(report.results) < len(job.problems)
