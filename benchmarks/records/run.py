"""The record of a run: the key "perceptron_bench" at the top of pytest-benchmark's JSON.

Most rows have the same checks, so the file holds each distinct check once, and a row refers to it by number.
A single benchmark's `extra_info["perceptron_bench"]` names its row.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.records.provenance import Provenance
from benchmarks.records.row import KEY, SCHEMA_VERSION, Check, Row
from benchmarks.records.schema import Schema, require_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How the run was asked for, and whether it came to its end."""

    suite: str | None  # None: cases named one by one
    rounds: int
    timed: bool
    quick: bool
    interrupted: str | None  # by what
    baseline: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the harness: its rows, and where and how they were measured."""

    rows: tuple[Row, ...]
    provenance: Provenance
    settings: RunSettings
    converted_from: int | None = None  # the version that the file had when it was written

    def __post_init__(self) -> None:
        """Refuse two rows of one case."""
        require_once("case", (row.case for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types, without NaN."""
        rows = [row.to_dict() for row in self.rows]
        return {
            "schema_version": SCHEMA_VERSION,
            **({"converted_from": self.converted_from} if self.converted_from else {}),
            "provenance": asdict(self.provenance),
            "settings": asdict(self.settings),
            "checks": number_checks(rows),
            "rows": rows,
        }


def number_checks(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the checks of rows, which are JSON's types, by their numbers; return the checks."""
    checks: list[dict[str, Any]] = []
    numbers: dict[tuple[Any, ...], int] = {}
    for row in rows:
        for check in row["manifest"]:
            if numbers.setdefault(tuple(check.values()), len(checks)) == len(checks):
                checks.append(check)
        row["manifest"] = [numbers[tuple(check.values())] for check in row["manifest"]]
    return checks


@dataclass(frozen=True, kw_only=True)
class _NumberedRow:
    """A row as the file holds it."""

    manifest: list[int]


@dataclass(frozen=True, kw_only=True)
class _NumberedRows:
    """The part of the file that is read first: the checks, and each row's numbers of them."""

    checks: list[Check]
    rows: list[_NumberedRow]

    def __post_init__(self) -> None:
        """Refuse the number of a check that is not there."""
        numbers = {number for row in self.rows for number in row.manifest}
        if unknown := [number for number in numbers if not 0 <= number < len(self.checks)]:
            message = f"manifest: expected numbers of the {len(self.checks)} checks, found {min(unknown)}"
            raise ValueError(message)


def _with_checks(fields: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Replace the numbers of checks by the checks."""
    numbered = decode(_NumberedRows, fields)
    rows = [
        row | {"manifest": [numbered.checks[number] for number in own.manifest]}
        for row, own in zip(fields["rows"], numbered.rows, strict=True)
    ]
    return fields | {"rows": rows}


RECORD = Schema(
    kind="record",
    key=KEY,
    version=SCHEMA_VERSION,
    convertible=True,
    holds=Run,
    unpack=_with_checks,
)


def read_run(path: Path) -> Run:
    """Read a file that pytest-benchmark wrote.

    Raises:
        UsageError: it can't be read, is no JSON, not ours, of another schema, or holds what no run could.

    """
    return RECORD.read(path)


def parse_run(content: bytes, path: Path) -> Run:
    """Read what the file at that path holds.

    Raises:
        UsageError: it is no JSON, not ours, of another schema, or holds what no run could.

    """
    return RECORD.parse(content, path)


def recorded_runs(paths: Sequence[Path]) -> list[Run]:
    """Read these records, each once; what is none is left out of a folder, and said.

    Raises:
        UsageError: a file that was named can't be read.

    """
    runs: list[Run] = []
    for path in paths:
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                found = read_run(file)
            except UsageError as error:
                if not path.is_dir():
                    raise
                sys.stderr.write(f"left out: {error}\n")
                continue
            runs += [] if found in runs else [found]
    return runs
