"""What a worker wrote: its answers, and its output, which may be endless, so that only its end is kept."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.worker.messages import (
    Failure,
    Job,
    Measurement,
    Message,
    Readiness,
    message_from_json,
)

MAX_LOG_BYTES = 2**20
TAIL_BYTES = 2**16
"""A log that has grown beyond the first is cut to its last bytes, as many as the second."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a worker answered, and the error that ended it early, if there was one."""

    readiness: Readiness | None
    results: tuple[Measurement | Failure, ...]
    others: tuple[Readiness, ...] = ()  # of the job's other files
    error: str | None
    log: str  # the last lines of its output
    wall_s: float | None = None  # from the start of its turn to its end; None: unknown
    n_strays: int = 0  # processes that it left behind; they were killed
    cut_short: bool = False  # the harness itself was killed; the answers until then are kept


def read_report(
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
        results=tuple(each for each in messages if isinstance(each, Measurement | Failure)),
        error=error,
        log=log,
        wall_s=wall_s,
        n_strays=n_strays,
    )


def _messages(results_file: Path) -> Iterator[Message]:
    """Read the complete lines; a worker killed in the middle of a line leaves it unread."""
    with results_file.open("rb") as file:
        yield from (message_from_json(line.decode()) for line in file if line.endswith(b"\n"))


def is_incomplete(report: Report, job: Job) -> bool:
    """Check whether an answer is missing, though the implementation can run."""
    if report.readiness is None:
        return True
    return not any(report.readiness.unavailable.values()) and len(report.results) < len(job.problems)


def tail(log: Path, n_lines: int) -> str:
    """Return the last lines of a log of any size."""
    return "\n".join(_last_bytes(log).decode(errors="replace").splitlines()[-n_lines:])


def cut(log: Path) -> None:
    """Keep only the end of a long log, to which its writers append meanwhile."""
    if size_of(log) > MAX_LOG_BYTES:
        end = _last_bytes(log)
        os.truncate(log, 0)
        with log.open("ab") as file:
            file.write(end)


def size_of(file: Path) -> int:
    """Return the size in bytes: 0 for a file that is gone."""
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _last_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
        return stream.read(TAIL_BYTES)
