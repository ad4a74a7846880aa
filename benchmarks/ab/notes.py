"""What is to be known of a comparison besides its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.analysis.caveats import shared_core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.ab.resume import Workplace
    from benchmarks.compare.result import CaseVerdict
    from benchmarks.compare.rule import Rule


def resumed(place: Workplace) -> list[str]:
    """Say that not all was measured now: the first and the last pairs may lie far apart."""
    if not place.n_recalled:
        return []
    return [f"resumed: {place.n_recalled} processes had been measured by a call that was broken off"]


def too_few_pairs(rule: Rule, n_cases: int) -> list[str]:
    """Warn where even pairs that all agree could show nothing."""
    if rule.counts or 0.5**rule.max_pairs <= rule.tail(n_cases):
        return []
    told = f"{n_cases} case{'s' * (n_cases > 1)}"
    return [f"--max-pairs {rule.max_pairs}: too few to call any of {told} slower or faster"]


def starved(verdicts: Sequence[CaseVerdict]) -> list[str]:
    """Warn of processes on a CPU that shared their core with something else."""
    rows = [row for verdict in verdicts for row in (verdict.base, verdict.new) if row and row.device == "cpu"]
    shared = shared_core([process.cpu_per_wall for row in rows for process in row.processes])
    remedy = "the verdicts hold, but undecided cases may be decided on a quieter machine"
    return [f"{shared}: {remedy}"] if shared else []
