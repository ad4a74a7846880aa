"""The record of one case, and how it travels in pytest-benchmark's JSON.

The whole run, rows without a time included, stands in the key "perceptron_bench" at the top of the file; for
tools that look at single benchmarks, each row with a time stands in its `extra_info["perceptron_bench"]` too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.analysis.cost_model import break_evens, cost_models
from benchmarks.cases.problems import name_of
from benchmarks.records.process import Costs, Process
from benchmarks.records.schema import Schema, require_once
from benchmarks.runner.system import Provenance
from benchmarks.verify.agreement import Agreement
from benchmarks.verify.item import Item
from impls.contract import Device, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.analysis.cost_model import BreakEven, CostModel
    from benchmarks.verify.curve import LossPoint

KEY = "perceptron_bench"
SCHEMA_VERSION = 2


class Verdict(StrEnum):
    """Whether a row may show a time, and if not, why not."""

    VERIFIED = "verified"
    INVALID = "INVALID"  # computed something else, or was timed unfairly
    FAILED = "FAILED"  # crashed, hung or raised
    NOT_MEASURED = "not measured"  # can't run here


@dataclass(frozen=True, kw_only=True)
class Row:
    """One implementation on one device and problem: was it right, and if so, how fast."""

    implementation: str
    framework: str
    tier: str
    summary: str
    gradient: str | None = None  # who derives it: "framework" or "by hand"; None: not recorded
    device: Device
    problem: Problem
    code_digest: str | None = None  # of what decides its times; None: of a record older than it
    data_digest: str | None  # None: no process told
    verdict: Verdict
    reason: str | None = None  # why it is not verified
    agreement: Agreement | None  # of the process that was furthest from the reference
    costs: Costs | None
    manifest: tuple[Item, ...]  # what was checked about its processes
    processes: tuple[Process, ...]

    def __post_init__(self) -> None:
        """Refuse two processes of one round."""
        require_once("round", (process.round for process in self.processes))

    @cached_property
    def group(self) -> str:
        """Name what the row may be compared within."""
        return f"{name_of(self.problem)} on {self.device}"

    @cached_property
    def case(self) -> str:
        """Name the row as pytest names its benchmark."""
        return f"{self.implementation}-{self.device}-{name_of(self.problem)}"

    @property
    def curve(self) -> tuple[LossPoint, ...]:
        """Give the losses of the process that was furthest from the reference; none if that is not known."""
        return self.agreement.curve if self.agreement else ()

    @property
    def is_timed(self) -> bool:
        """Say whether it has times that may be shown."""
        return self.verdict is Verdict.VERIFIED and bool(self.processes)

    @cached_property
    def typical_s(self) -> float:
        """Give the median over the rounds of each process's median epoch; the row must be timed."""
        return median(process.median_s for process in self.processes)

    @property
    def best_s(self) -> float:
        """Give the fastest epoch of all; the row must be timed."""
        return min(process.min_s for process in self.processes)

    @property
    def n_instructions(self) -> float | None:
        """Give the fewest instructions of an epoch of all processes; None: they were not counted."""
        counts = [process.n_instructions for process in self.processes]
        return min((count for count in counts if count is not None), default=None)

    @property
    def first_call_s(self) -> float:
        """Give the median over the rounds of the first call, with warm caches; the row must be timed."""
        return median(process.first_call_s for process in self.processes)

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON's types; no NaN."""
        return asdict(self) | {"schema_version": SCHEMA_VERSION, "case": name_of(self.problem)}


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

    @cached_property
    def cost_models(self) -> list[CostModel]:
        """Give the fits of all its sweeps over batch sizes; once, for tables and exports."""
        return cost_models(self.rows)

    @cached_property
    def break_evens(self) -> list[BreakEven]:
        """Give the break-even points of each two implementations of a group; once, likewise."""
        return break_evens(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON's types; no NaN."""
        return {
            "schema_version": SCHEMA_VERSION,
            "provenance": asdict(self.provenance),
            "settings": asdict(self.settings),
            "rows": [row.to_dict() for row in self.rows],
            # Derived from the rows, for readers that don't want to fit themselves.
            "cost_models": [asdict(each) for each in self.cost_models],
            "break_evens": [asdict(each) for each in self.break_evens],
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
