"""Runs made up for tests of what happens to records over time."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.cases.problems import NAMED
from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.row import KEY
from benchmarks.track.history import Record
from tests.helpers.records import document_of, process, row, run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.records.provenance import Provenance
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

FIRST_DAY = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def timed(implementation: str, minima_s: Sequence[float], **changes: Any) -> Row:
    """Make a row of one process a round, with these fastest epochs."""
    processes = tuple(process(round_, min_s, 1.1 * min_s) for round_, min_s in enumerate(minima_s))
    return row(implementation, processes=processes, **changes)


def three_rows(scale: float = 1.0, problem: str = "book") -> list[Row]:
    """Make timed rows of a named problem, with figures of many digits."""
    times_s = {"torch_eager": 1.2345e-3, "jax_jit": 2.3456e-4, "native_floor": 1.357e-5}
    return [
        timed(name, [scale * time_s * (1 + i / 90) for i in range(6)], problem=NAMED[problem])
        for name, time_s in times_s.items()
    ]


def run_of_day(day: int, *rows: Row, settings: Mapping[str, Any] | None = None, **provenance: Any) -> Run:
    """Make a run of that day, with other provenance where given."""
    run = run_of(*rows, **(settings or {}))
    at = {
        "date": (FIRST_DAY + dt.timedelta(days=day)).isoformat(),
        "worker_variables": FULL_PRECISION,
        **provenance,
    }
    return replace(run, provenance=elsewhere(run.provenance, **at))


def elsewhere(provenance: Provenance, **changes: Any) -> Provenance:
    """Change fields of a provenance, or of its only host."""
    (host,) = provenance.hosts
    of_host = {name: changes.pop(name) for name in list(changes) if name in vars(host)}
    return replace(provenance, hosts=[replace(host, **of_host)], **changes)


def record_of(run: Run, path: Path) -> Record:
    """Return the run as if read from that file."""
    return Record(path=path, run=run, date=dt.datetime.fromisoformat(run.provenance.date))


def write(run: Run, path: Path) -> Path:
    """Write the run as a record."""
    path.write_text(json.dumps(document_of(run)), encoding="utf-8")
    return path


RUN = run_of_day(0, row())


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    """Return a record whose fields were changed by hand."""
    fields = json.loads(json.dumps(document_of(RUN)))
    change(fields[KEY])
    return json.dumps(fields)


def first_process(fields: dict[str, Any]) -> dict[str, Any]:
    process: dict[str, Any] = fields["rows"][0]["processes"][0]
    return process
