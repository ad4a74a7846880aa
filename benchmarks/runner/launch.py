"""Starts a worker, waits for it, and says how it ended; a crash or a hang stays its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.files import write_atomically
from benchmarks.worker.env_vars import COUNTING_VARIABLES, runtime_variables, worker_environment
from benchmarks.worker.messages import Failure, Measurement, Message, Readiness, message_from_json

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.messages import Job


FOREIGN_CODE = "valgrind knows no AVX-512, so that code compiled for this very processor may not run under it"


POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a worker said, and what ended it before its time, if anything did."""

    readiness: Readiness | None
    results: tuple[Measurement | Failure, ...]
    death: str | None
    log: str  # the last lines of what it printed
    cut_short: bool = False  # the harness itself was killed; what the worker had said until then is kept


def recall(job: Job, folder: Path, name: str) -> Report | None:
    """Give the report of this very job from an earlier run of the harness that was killed, or None."""
    job_file, results_file, report_file = (folder / f"{name}.{end}" for end in ("job", "jsonl", "report"))
    if not results_file.exists() or job_file.read_text(encoding="utf-8") != job.to_json():
        return None
    messages = _read(results_file)
    readiness = next((m for m in messages if isinstance(m, Readiness)), None)
    results = tuple(m for m in messages if not isinstance(m, Readiness))
    if report_file.exists():
        end = json.loads(report_file.read_text(encoding="utf-8"))
        return Report(readiness=readiness, results=results, **end)
    if results:
        return Report(readiness=readiness, results=results, death=None, log="", cut_short=True)
    return None


def launch(job: Job, folder: Path, name: str) -> Report:
    """Run one worker to its end; its job, results, log and end stay in the folder under this name.

    Whatever interrupts the wait (Ctrl-C) ends the worker too.
    """
    report_file = folder / f"{name}.report"
    report_file.unlink(missing_ok=True)
    job_file, results_file, log_file = (folder / f"{name}.{end}" for end in ("job", "jsonl", "log"))
    job_file.write_text(job.to_json(), encoding="utf-8")
    results_file.write_text("")
    # -P: what lies in the current folder is none of the worker's business.
    arguments = [str(job_file), str(results_file), str(os.getpid())]
    command = [job.runtime.python, "-P", "-m", "benchmarks.worker", *arguments]
    if job.counter:
        command = [*command_under(job.counter), *command]
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=worker_environment(
                n_cores=max(1, len(job.cpus)),
                caches=job.caches,
                cpu_only=job.devices == ("cpu",),
                precision=job.precision,
            )
            | (COUNTING_VARIABLES if job.counter else {})
            | runtime_variables(job.runtime),
            start_new_session=True,
        ) as process,
    ):
        try:
            death = _wait(process, results_file, job.worker_timeout_s)
        finally:
            _kill(process)
    if death and process.returncode > 0:
        death = f"{death}: {_tail(log_file, 1)}"  # the last line of a traceback is the error
    if job.counter and process.returncode == -signal.SIGILL:
        death = f"{death}: {FOREIGN_CODE}"
    messages = _read(results_file)
    readiness = next((m for m in messages if isinstance(m, Readiness)), None)
    results = tuple(m for m in messages if not isinstance(m, Readiness))
    able = readiness is None or not any(readiness.unavailable.values())
    if able and len(results) < len(job.problems) + (readiness is None):
        death = death or "ended early, with exit status 0"
    log_tail = _tail(log_file, 20)
    write_atomically(report_file, json.dumps({"death": death, "log": log_tail}))
    return Report(readiness=readiness, results=results, death=death, log=log_tail)


def _wait(process: subprocess.Popen[bytes], results_file: Path, worker_timeout_s: float) -> str | None:
    """Wait until the worker ends or gives no new result for the time limit; say what was wrong."""
    size, last_progress = 0, time.monotonic()
    while process.poll() is None:
        time.sleep(POLL_S)
        if results_file.stat().st_size != size:
            size, last_progress = results_file.stat().st_size, time.monotonic()
        if time.monotonic() - last_progress > worker_timeout_s:
            return f"no result within {worker_timeout_s:g} s, killed (--worker-timeout raises the limit)"
    status = process.returncode
    if status == -signal.SIGKILL:
        return "killed by SIGKILL; often this is the system being out of memory"
    if status < 0:
        return f"killed by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with exit status {status}" if status else None


def _tail(log_file: Path, n_lines: int) -> str:
    return "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-n_lines:])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _read(results_file: Path) -> list[Message]:
    """Read the complete lines; a worker killed in the middle of one leaves the rest of it unread."""
    text = results_file.read_text(encoding="utf-8")
    return [message_from_json(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def command_under(counter: str) -> list[str]:
    """Give the start of the command of a process that is to be counted; its dumps lie beside the library."""
    options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counter}.%p"]
    return ["valgrind", "--quiet", *options]
