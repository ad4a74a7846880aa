"""Measures a machine's own noise, with both sides the same: `perceptron-bench calibrate`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.ab.comparison import match, measure
from benchmarks.ab.pairs import SIDES
from benchmarks.ab.sides import SideOptions, open_sides
from benchmarks.compare import calibration
from benchmarks.compare.calibration import Calibration, Fingerprint
from benchmarks.compare.noise import CaseCalibration, calibrate_case
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID
from benchmarks.compare.rule import Category
from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from benchmarks.ab.comparison import Selection
    from benchmarks.ab.resume import Workplace
    from benchmarks.compare.result import CaseVerdict

FEWEST_PAIRS = 10
"""Resampling fewer pairs says little about comparisons of up to 20."""

SAME = dict.fromkeys(SIDES, SideOptions())


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The result of calibrating some cases."""

    cases: Mapping[str, CaseCalibration]  # by name
    failed: Mapping[str, str]  # why, by the name of the case
    path: Path | None  # the file with the cases; None: there are none
    interrupted: str | None

    @property
    def exit_status(self) -> int:
        """Return the command's exit status."""
        if self.interrupted:
            return INTERRUPTED
        return MISSING_OR_INVALID if self.failed else FINE


def calibrate(selection: Selection, place: Workplace, console: Console, *, n_pairs: int) -> Calibrated:
    """Measure pairs whose sides are the same, compute each case's noise and store it.

    Raises:
        UsageError: a name is unknown, or the calibration can't be written.

    """
    if n_pairs < FEWEST_PAIRS:
        message = f"--pairs: expected at least {FEWEST_PAIRS}, found {n_pairs}"
        raise UsageError(message)
    calibration.require_usable(place.provenance, selection.calibrations)
    every_pair = replace(selection, rule=replace(selection.rule, min_pairs=n_pairs, max_pairs=n_pairs))
    with open_sides(SAME, selection.impls, scratch=place.folder) as sides:
        paired_cases = match(every_pair, sides, selection.names)
        verdicts, paired_run = measure(every_pair, paired_cases, place, console)
    failed = {verdict.name: reason for verdict in verdicts if (reason := _failure(verdict))}
    with console.status("resampling"):
        cases = {
            verdict.name: calibrate_case(verdict.ratios, selection.rule, n_cases=paired_run.n_cases)
            for verdict in verdicts
            if verdict.name not in failed
        }
    found = Calibration(date=place.provenance.date, machine=Fingerprint.of(place.provenance), cases=cases)
    path = calibration.save(found, selection.calibrations) if cases else None
    return Calibrated(cases=cases, failed=failed, path=path, interrupted=paired_run.interrupted)


def _failure(verdict: CaseVerdict) -> str | None:
    too_few = len(verdict.ratios) < FEWEST_PAIRS
    if not too_few and verdict.category not in (Category.INVALID, Category.MISSING, Category.NEW):
        return None
    return verdict.reason or f"expected at least {FEWEST_PAIRS} pairs, found {len(verdict.ratios)}"
