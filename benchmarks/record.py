"""The record of one case, and how it travels in pytest-benchmark's JSON.

The whole run, rows without a time included, stands in the key "perceptron_bench" at the top of the file; for
tools that look at single benchmarks, each row with a time stands in its `extra_info["perceptron_bench"]` too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from benchmarks.agreement import Agreement
from benchmarks.environment import Provenance
from benchmarks.errors import UsageError
from benchmarks.problems import name_of
from impls.contract import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.job import Timing
    from impls.contract import Device

KEY = "perceptron_bench"
SCHEMA_VERSION = 1


class Verdict(StrEnum):
    """Whether a row may show a time, and if not, why not."""

    VERIFIED = "verified"
    INVALID = "INVALID"  # computed something else, or was timed unfairly
    FAILED = "FAILED"  # crashed, hung or raised
    NOT_MEASURED = "not measured"  # can't run here


@dataclass(frozen=True, kw_only=True)
class Process:
    """One round: what one fresh process measured. Times in seconds per epoch."""

    round: int
    position: int  # in the round's shuffled order, from 0
    n_samples: int
    n_kept: int  # how many of the benchmark's `stats.data` are this process's, in the order of processes
    min_s: float
    q1_s: float
    median_s: float
    q3_s: float
    max_s: float
    first_call_s: float
    cpu_per_wall: float

    def __post_init__(self) -> None:
        """Refuse what a record that was edited by hand may hold."""
        for name, value in vars(self).items():
            if not isinstance(value, int | float):
                message = f"{name}: expected a number, found {value!r}"
                raise TypeError(message)

    @classmethod
    def of(cls, timing: Timing, *, round_: int, position: int) -> Process:
        """Take a worker's figures, all but the samples."""
        figures = asdict(timing.summary)
        return cls(
            round=round_,
            position=position,
            n_kept=len(figures.pop("kept_s")),
            first_call_s=timing.first_call_s,
            cpu_per_wall=timing.cpu_per_wall,
            **figures,
        )


@dataclass(frozen=True, kw_only=True)
class Row:
    """One implementation on one device and problem: was it right, and if so, how fast."""

    implementation: str
    framework: str
    tier: str
    summary: str
    device: Device
    problem: Problem
    data_digest: str | None  # None: no process told
    verdict: Verdict
    reason: str | None = None  # why it is not verified
    agreement: Agreement | None = None  # of the process that was furthest from the reference
    processes: tuple[Process, ...] = ()

    @property
    def group(self) -> str:
        """Name what the row may be compared within."""
        return f"{name_of(self.problem)} on {self.device}"

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON's types; no NaN."""
        return asdict(self) | {"schema_version": SCHEMA_VERSION, "case": name_of(self.problem)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Row:
        """Read what `to_dict` gave."""
        known = {name: value for name, value in fields.items() if name in cls.__dataclass_fields__}
        known["problem"] = Problem(**known["problem"])
        known["verdict"] = Verdict(known["verdict"])
        known["processes"] = tuple(Process(**process) for process in known["processes"])
        if known["agreement"] is not None:
            known["agreement"] = Agreement(**known["agreement"])
        return cls(**known)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How the run was asked for, and whether it came to its end."""

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

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON's types; no NaN."""
        return {
            "schema_version": SCHEMA_VERSION,
            "provenance": asdict(self.provenance),
            "settings": asdict(self.settings),
            "rows": [row.to_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Run:
        """Read what `to_dict` gave."""
        return cls(
            rows=tuple(Row.from_dict(row) for row in fields["rows"]),
            provenance=Provenance(**fields["provenance"]),
            settings=RunSettings(**fields["settings"]),
        )


def read_run(path: Path) -> Run:
    """Read a file that pytest-benchmark wrote.

    Raises:
        UsageError: it can't be read, is no JSON, not ours, or of another schema.

    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))[KEY]
        if (found := fields["schema_version"]) != SCHEMA_VERSION:
            message = (
                f"{path}: expected schema version {SCHEMA_VERSION}, found {found}; "
                "read it with the release that wrote it"
            )
            raise UsageError(message)
        return Run.from_dict(fields)
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror})"
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: expected a record in JSON, found something else ({error}); is it cut off?"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path}: expected a record of perceptron-bench, found another file ({error!r})"
    raise UsageError(message)
