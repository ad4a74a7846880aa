"""The record of one case, and how it travels in pytest-benchmark's JSON.

The whole run, rows without a time included, stands in the key "perceptron_bench" at the top of the file; for
tools that look at single benchmarks, each row with a time stands in its `extra_info["perceptron_bench"]` too.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.records.provenance import Provenance
from benchmarks.records.row import KEY, SCHEMA_VERSION, Row
from benchmarks.records.schema import Schema, require_once

if TYPE_CHECKING:
    from collections.abc import Sequence
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

    def __post_init__(self) -> None:
        """Refuse two rows of one case."""
        require_once("case", (row.case for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON's types; no NaN."""
        return {
            "schema_version": SCHEMA_VERSION,
            "provenance": asdict(self.provenance),
            "settings": asdict(self.settings),
            "rows": [row.to_dict() for row in self.rows],
        }


RECORD = Schema(
    kind="record",
    key=KEY,
    version=SCHEMA_VERSION,
    remedy="read it with the release that wrote it",
    holds=Run,
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
