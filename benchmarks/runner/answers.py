"""What a worker wrote: its answers, and its output, which may be endless, so that only its end is kept."""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from benchmarks.hosts import Equipment, differences_of_ranks
from benchmarks.worker.messages import (
    Failure,
    Job,
    Measurement,
    Message,
    Readiness,
    Turn,
    message_from_json,
    message_to_json,
)
from impls.contract import Device

MAX_LOG_BYTES = 2**20
TAIL_BYTES = 2**16
"""A log that has grown beyond the first is cut to its last bytes, as many as the second."""

REMEDY = "Start all of them on hosts that are alike, with the same packages"

Answer: TypeAlias = Measurement | Failure | tuple[Measurement, ...]
"""Of one process, or of each rank."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a worker or its ranks ended."""

    error: str | None  # that ended it early
    log: str  # the last lines of its output
    wall_s: float | None = None  # from the start of its turn to its end; None: unknown
    n_strays: int = 0  # processes that it left behind; they were killed
    culprit: int | None = None  # the rank that failed first; None: none did, or it is unknown


@dataclass(frozen=True, kw_only=True)
class Report(Ending):
    """All that a worker or its ranks answered, and how that ended."""

    readiness: Readiness | None
    results: tuple[Answer, ...]
    others: tuple[Readiness, ...] = ()  # of the job's other files
    hosts: tuple[Equipment, ...] = ()  # of the ranks; empty: one process
    cut_short: bool = False  # the harness was killed, or a rank failed: what follows was not measured


def by_rank(results: Path, n_ranks: int) -> list[Path]:
    """Return the file of each rank's answers: the first rank's, as a worker's, and others beside it."""
    return [results, *(results.with_name(f"{results.name}.{rank}") for rank in range(1, n_ranks))]


def read_reports(files: Sequence[Path], ending: Ending) -> Report:
    """Read the answers of a worker or of all its ranks."""
    reports = [_read_report(file, ending) for file in files]
    if len(reports) == 1:
        return reports[0]
    results = _joined(reports, [file.stat().st_mtime_ns for file in files], ending.culprit)
    ready = [report.readiness for report in reports]
    return replace(
        reports[0],
        readiness=_joined_readiness(ready),
        hosts=tuple(each.host for each in ready if each and each.host),
        results=results,
        error=next((report.error for report in reports if report.error), None),
        cut_short=any(isinstance(each, Failure) for each in results),
    )


def _joined_readiness(by_rank: Sequence[Readiness | None]) -> Readiness | None:
    """Return for each device why one of the ranks can't run there, or their hosts differ.

    None: a rank is not ready, and no other one says why.
    """
    ready = [each for each in by_rank if each]
    hosts = [each.host for each in ready if each.host]
    unlike = "; ".join(differences_of_ranks(hosts)) if len(ready) == len(by_rank) else ""
    differ = f"the hosts of the ranks differ: {unlike}. {REMEDY}" if unlike else None
    devices = ready[0].unavailable if ready else ()
    unavailable = {device: _lacking(device, by_rank) or differ for device in devices}
    return Readiness(unavailable=unavailable) if None not in by_rank or any(unavailable.values()) else None


def _lacking(device: Device, by_rank: Sequence[Readiness | None]) -> str | None:
    """Return why a rank can't run on the device; the rank is named, unless it is so on all."""
    reasons = [each.unavailable[device] if each else None for each in by_rank]
    rank = next((rank for rank, reason in enumerate(reasons) if reason), None)
    if rank is None or len({*reasons}) == 1:
        return reasons[0]
    return f"{_rank_of(rank, by_rank[rank])}: {reasons[rank]}"


def _rank_of(rank: int, ready: Readiness | None) -> str:
    """Name a rank and its host."""
    return f"rank {rank} on {ready.host.machine if ready and ready.host else platform.node()}"


def _joined(reports: Sequence[Report], written_ns: Sequence[int], culprit: int | None) -> tuple[Answer, ...]:
    """Return what all ranks answered, up to the first failure: that of the rank which failed first.

    Another rank's failure follows from it. A culprit that was killed has answered none.
    """
    joined: list[Answer] = []
    for answers in zip_longest(*(report.results for report in reports)):
        failures = {rank: answer for rank, answer in enumerate(answers) if isinstance(answer, Failure)}
        if failures and culprit in (None, *failures):
            first = min(failures, key=lambda rank: written_ns[rank])
            reason = f"{_rank_of(first, reports[first].readiness)}: {failures[first].reason}"
            return (*joined, replace(failures[first], reason=reason))
        measured = tuple(answer for answer in answers if isinstance(answer, Measurement))
        if len(measured) < len(reports):
            break
        joined.append(measured)
    return tuple(joined)


def _read_report(results_file: Path, ending: Ending) -> Report:
    """Read the answers that come before the first line that is none."""
    messages: list[Message] = []
    error = ending.error
    try:
        messages.extend(_messages(results_file))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as fault:
        error = error or f"its answer can't be read ({type(fault).__name__}: {fault})"
    ready = [each for each in messages if isinstance(each, Readiness)]
    return Report(
        **asdict(replace(ending, error=error)),
        readiness=ready[0] if ready else None,
        others=tuple(ready[1:]),
        results=tuple(each for each in messages if isinstance(each, Measurement | Failure)),
    )


def _messages(results_file: Path) -> Iterator[Message]:
    """Read the complete lines; a worker killed in the middle of a line leaves it unread."""
    with results_file.open("rb") as file:
        yield from (message_from_json(line.decode()) for line in file if line.endswith(b"\n"))


def is_incomplete(report: Report, job: Job) -> bool:
    """Check whether an answer is missing, though the implementation can run."""
    if report.readiness is None:
        return True
    asked = not any(report.readiness.unavailable.values()) and not report.cut_short
    return asked and len(report.results) < len(job.problems)


def waits_for_its_turn(results: Path) -> bool:
    """Whether that is what a worker wrote last."""
    return tail(results, 1) == message_to_json(Turn(came=False))


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
