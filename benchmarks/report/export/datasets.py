"""Runs → tidy tables of everything that is shown: a line is one observation, a column one variable."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.analysis.break_even import BreakEven, break_evens
from benchmarks.analysis.columns import Column, columns_of
from benchmarks.analysis.cost_model import CostModel, cost_models
from benchmarks.analysis.figures import Figures, figures_of
from benchmarks.analysis.record_columns import CaseKey, CheckLine, LossLine, ProcessLine, RunKey, RunLine
from benchmarks.records.row import Row
from benchmarks.records.run import Run

Lines: TypeAlias = "Iterable[tuple[tuple[str, ...], Any]]"
"""The values of a line's key columns, and the object that has the others."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One exported table: the classes that declare its columns, and its lines."""

    name: str
    key: type | None = None  # its columns come first
    line: type
    of: Callable[[Run], Lines]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return all columns, those of the key first."""
        return (*(columns_of(self.key) if self.key else ()), *columns_of(self.line))

    def lines(self, runs: Iterable[Run]) -> Iterator[tuple[Any, ...]]:
        """Return the values of all columns, line by line, of all runs in their order."""
        values = [column.of for column in columns_of(self.line)]
        return ((*key, *(value(line) for value in values)) for run in runs for key, line in self.of(run))


def _of_run(items: Callable[[Run], Iterable[Any]]) -> Callable[[Run], Lines]:
    return lambda run: ((_name(run), item) for item in items(run))


def _of_rows(items: Callable[[Row], Iterable[Any]]) -> Callable[[Run], Lines]:
    return lambda run: (((*_name(run), row.case), item) for row in run.rows for item in items(row))


def _name(run: Run) -> tuple[str, str]:
    return run.provenance.date, run.provenance.host.machine


def _processes(row: Row) -> Iterable[Any]:
    return row.processes if row.is_timed else ()  # a row that crashed later has some, too


EXPORTS = (
    Export(name="figures", line=Figures, of=lambda run: (((), figures) for figures in figures_of(run))),
    Export(name="processes", key=CaseKey, line=ProcessLine, of=_of_rows(_processes)),
    Export(name="losses", key=CaseKey, line=LossLine, of=_of_rows(lambda row: row.curve)),
    Export(name="cost_models", key=RunKey, line=CostModel, of=_of_run(lambda run: cost_models(run.rows))),
    Export(name="break_evens", key=RunKey, line=BreakEven, of=_of_run(lambda run: break_evens(run.rows))),
    Export(name="checks", key=CaseKey, line=CheckLine, of=_of_rows(lambda row: row.manifest)),
    Export(name="runs", key=RunKey, line=RunLine, of=_of_run(lambda run: [run])),
)
"""All exported tables; the one that most readers want comes first."""
