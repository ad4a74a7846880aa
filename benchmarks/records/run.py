"""The record of a run: the key "perceptron_bench" at the top of pytest-benchmark's JSON.

Most rows have the same checks, so the file has each distinct check once, and rows refer to it by number.
A single benchmark's `extra_info["perceptron_bench"]` names its row.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from benchmarks.decode import Json, Within, decode
from benchmarks.errors import UsageError
from benchmarks.records.process import Count
from benchmarks.records.provenance import Provenance
from benchmarks.records.row import KEY, SCHEMA_VERSION, Check, Row
from benchmarks.records.schema import Schema, require_once


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The options of the run, and whether it ended by itself."""

    suite: str | None  # None: the cases were named
    rounds: Count
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
    numbers: dict[tuple[Any, ...], int] = {}
    for row in rows:
        checks = [tuple(check.items()) for check in row["manifest"]]
        row["manifest"] = [numbers.setdefault(check, len(numbers)) for check in checks]
    return [dict(check) for check in numbers]


@dataclass(frozen=True, kw_only=True)
class _NumberedRow:
    """A row as it is in the file."""

    manifest: list[Annotated[int, Within(0, 1e9)]]


@dataclass(frozen=True, kw_only=True)
class _NumberedRows:
    """The checks of the file, and each row's numbers of them."""

    checks: list[Check]
    rows: list[_NumberedRow]


def _with_checks(fields: Json) -> Json:
    """Replace the numbers of checks by the checks."""
    numbered = decode(_NumberedRows, fields)
    try:
        manifests = [[numbered.checks[number] for number in row.manifest] for row in numbered.rows]
    except IndexError:
        message = f"manifest: expected numbers of the {len(numbered.checks)} checks, found a larger one"
        raise ValueError(message) from None
    rows = [row | {"manifest": own} for row, own in zip(fields["rows"], manifests, strict=True)]
    return fields | {"rows": rows}


REMEDY = """\
convert an older one with `python -m benchmarks.records.convert FILE`, read a newer one with its release"""
RECORD = Schema(kind="record", key=KEY, version=SCHEMA_VERSION, holds=Run, remedy=REMEDY, unpack=_with_checks)
read_run, parse_run = RECORD.read, RECORD.parse


def recorded_runs(paths: Sequence[Path]) -> list[Run]:
    """Read records and folders of records, each once; other files in a folder are reported and left out.

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
