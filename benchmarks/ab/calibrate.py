"""Measures a machine's own noise, with both sides the same: `perceptron-bench calibrate`."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.markup import escape

from benchmarks.ab.comparison import match, measure
from benchmarks.ab.pairs import SIDES
from benchmarks.ab.sides import SideOptions, open_side
from benchmarks.compare import calibration
from benchmarks.compare.calibration import Calibration, Fingerprint
from benchmarks.compare.noise import calibrate_case
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID
from benchmarks.compare.rule import Category
from benchmarks.errors import UsageError
from benchmarks.report.tables.comparison import calibration_grid

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.ab.comparison import Selection
    from benchmarks.ab.resume import Workplace

FEWEST_PAIRS = 10
"""Resampling fewer says little about comparisons of up to 20."""


BROKEN = (Category.INVALID, Category.MISSING, Category.NEW)


SAME = dict.fromkeys(SIDES, SideOptions())
"""Both sides are as they are here."""


def calibrate(selection: Selection, place: Workplace, console: Console, *, n_pairs: int) -> int:
    """Measure pairs whose sides are the same; store and show each case's noise. Give the exit status.

    Raises:
        UsageError: something named is unknown, or the calibration can't be written.

    """
    if n_pairs < FEWEST_PAIRS:
        message = f"--pairs: expected at least {FEWEST_PAIRS}, found {n_pairs}"
        raise UsageError(message)
    calibration.require_usable(place.provenance, selection.calibrations)
    every_pair = replace(selection, rule=replace(selection.rule, max_pairs=n_pairs))
    with contextlib.ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                open_side(name, side, selection.impls, file_as="", scratch=place.folder)
            )
            for name, side in SAME.items()
        }
        paired_cases = match(every_pair, sides, selection.names)
        verdicts, paired_run = measure(every_pair, paired_cases, place, console, stops_early=False)
    with console.status("resampling"):
        sound = [
            verdict
            for verdict in verdicts
            if len(verdict.ratios) >= FEWEST_PAIRS and verdict.category not in BROKEN
        ]
        cases = {
            verdict.name: calibrate_case(verdict.ratios, selection.rule, n_cases=paired_run.n_cases)
            for verdict in sound
        }
    for verdict in verdicts:
        if verdict.name not in cases:
            reason = verdict.reason or f"expected at least {FEWEST_PAIRS} pairs, found {len(verdict.ratios)}"
            console.print(f"not calibrated: {escape(verdict.name)}: {escape(reason)}", soft_wrap=True)
    if cases:
        found = Calibration(date=place.provenance.date, machine=Fingerprint.of(place.provenance), cases=cases)
        path = calibration.save(found, selection.calibrations)
        console.print(calibration_grid(cases))
        console.print(f"calibration: {escape(str(path))}", soft_wrap=True, highlight=False)
    if paired_run.interrupted:
        return INTERRUPTED
    place.is_done = True
    return FINE if len(cases) == len(verdicts) else MISSING_OR_INVALID
