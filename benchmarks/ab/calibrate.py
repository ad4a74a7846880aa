"""Measures a machine's own noise, with both sides the same: `perceptron-bench calibrate`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rich.console import Console

from benchmarks.ab.comparison import Selection, match, measure
from benchmarks.ab.resume import Workplace
from benchmarks.ab.sides import SideOptions, open_sides
from benchmarks.compare.noise import CaseNoise, noise_of
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID, SIDES, CaseVerdict
from benchmarks.compare.rule import Category
from benchmarks.errors import UsageError

FEWEST_PAIRS = 10
"""Resampling fewer pairs says little about comparisons of up to 20."""

SAME = dict.fromkeys(SIDES, SideOptions())


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The noise of some cases."""

    cases: Mapping[str, CaseNoise]  # by name
    failed: Mapping[str, str]  # why, by the name of the case
    interrupted: str | None

    @property
    def exit_status(self) -> int:
        """Return the command's exit status."""
        if self.interrupted:
            return INTERRUPTED
        return MISSING_OR_INVALID if self.failed else FINE


def calibrate(selection: Selection, place: Workplace, console: Console, *, n_pairs: int) -> Calibrated:
    """Measure pairs whose sides are the same, and compute each case's noise.

    Raises:
        UsageError: a name is unknown, or there are too few pairs.
    """
    if n_pairs < FEWEST_PAIRS:
        message = f"--pairs: expected at least {FEWEST_PAIRS}, found {n_pairs}"
        raise UsageError(message)
    every_pair = replace(selection, rule=replace(selection.rule, min_pairs=n_pairs, max_pairs=n_pairs))
    with open_sides(SAME, selection.impls, scratch=place.folder) as sides:
        paired_cases = match(every_pair, sides, selection.names)
        verdicts, paired_run = measure(every_pair, paired_cases, place, console)
    failed = {verdict.name: reason for verdict in verdicts if (reason := _failure(verdict))}
    with console.status("resampling"):
        cases = {
            verdict.name: noise_of(verdict.ratios, selection.rule, n_cases=paired_run.n_cases)
            for verdict in verdicts
            if verdict.name not in failed
        }
    return Calibrated(cases=cases, failed=failed, interrupted=paired_run.interrupted)


def _failure(verdict: CaseVerdict) -> str | None:
    too_few = len(verdict.ratios) < FEWEST_PAIRS
    if not too_few and verdict.category not in (Category.INVALID, Category.MISSING, Category.NEW):
        return None
    return verdict.reason or f"expected at least {FEWEST_PAIRS} pairs, found {len(verdict.ratios)}"
