"""Runs → tidy tables of everything that is shown: a line is one observation, a column one variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cost_model import cost_models
from benchmarks.analysis.figures import Figures, figures_of
from benchmarks.report.export.rows import (
    BreakEvenLine,
    CheckLine,
    CostLine,
    LossLine,
    ProcessLine,
    RunLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run


@dataclass(frozen=True, kw_only=True)
class Export:
    """One table of the export: the class of its lines names and explains the columns."""

    name: str
    line: type
    of: Callable[[Run], Iterable[Any]]

    def lines(self, runs: Iterable[Run]) -> Iterator[Any]:
        """Give the lines of all runs, in their order."""
        for run in runs:
            yield from self.of(run)


def _runs(run: Run) -> Iterator[RunLine]:
    at, settings = run.provenance, run.settings
    yield RunLine(
        *(at.date, at.machine, at.system, at.cpu, at.n_cpus, at.gpu),
        pinned_to=" ".join(map(str, at.pinned_to)),
        versions=", ".join(f"{name} {version}" for name, version in at.versions.items()),
        commit=at.commit,
        suite=settings.suite,
        n_rounds=settings.rounds,
        is_quick=settings.quick,
        interrupted=settings.interrupted,
    )


def _processes(run: Run) -> Iterator[ProcessLine]:
    own = ProcessLine._fields[3:]
    for key, row in _keyed(run):
        for process in row.processes if row.is_timed else ():  # one that crashed later has some, too
            yield ProcessLine(*key, *(getattr(process, name) for name in own))


def _losses(run: Run) -> Iterator[tuple[Any, ...]]:
    # A LossLine's fields in their order: of so many, making each one takes a second.
    return ((*key, *point) for key, row in _keyed(run) for point in row.curve)


def _cost_models(run: Run) -> Iterator[CostLine]:
    for model in cost_models(run.rows):
        sizes = " ".join(map(str, model.batch_sizes))
        yield CostLine(*_name(run), **{**vars(model), "batch_sizes": sizes})


def _break_evens(run: Run) -> Iterator[BreakEvenLine]:
    return (BreakEvenLine(*_name(run), **vars(pair)) for pair in break_evens(run.rows))


def _checks(run: Run) -> Iterator[CheckLine]:
    return (CheckLine(*key, **vars(item)) for key, row in _keyed(run) for item in row.manifest)


def _name(run: Run) -> tuple[str, str]:
    return run.provenance.date, run.provenance.machine


def _keyed(run: Run) -> Iterator[tuple[tuple[str, str, str], Row]]:
    return (((*_name(run), row.case), row) for row in run.rows)


EXPORTS = (
    Export(name="figures", line=Figures, of=figures_of),
    Export(name="processes", line=ProcessLine, of=_processes),
    Export(name="losses", line=LossLine, of=_losses),
    Export(name="cost_models", line=CostLine, of=_cost_models),
    Export(name="break_evens", line=BreakEvenLine, of=_break_evens),
    Export(name="checks", line=CheckLine, of=_checks),
    Export(name="runs", line=RunLine, of=_runs),
)
"""Every table that is exported, the one most asked for first."""
