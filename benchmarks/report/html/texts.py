"""Figures → the very text that the tables show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.analysis.cells import (
    deviation_cell,
    interval_cell,
    memory_cell,
    ratio_cell,
    throughput_cell,
    time_cell,
)
from benchmarks.report.readme.head_to_head import verdict_of
from benchmarks.report.tables import comparison as comparison_report
from benchmarks.report.tables.comparison import provenance_lines, reasons, summary

if TYPE_CHECKING:
    from benchmarks.analysis.figures import Figures
    from benchmarks.analysis.head_to_head import LikeForLike
    from benchmarks.compare.result import Comparison


def texts_of(of: Figures) -> dict[str, str]:
    """Write a row's figures as its cells in the tables; by the keys of the page's columns."""
    return {
        "typical": time_cell(of.typical_s),
        "best": time_cell(of.best_s),
        "samples/s": throughput_cell(of.samples_per_s),
        "speedup": ratio_cell(of.speedup),
        "interval": interval_cell(of.speedup_low, of.speedup_high, of.speedup_coverage),
        "floor": ratio_cell(of.times_floor),
        "cold": time_cell(of.cold_s),
        "warm": time_cell(of.warm_s),
        "memory": memory_cell(of.memory_bytes),
        "deviation": deviation_cell(of.deviation),
    }


def paired_run_of(pair: LikeForLike) -> dict[str, Any]:
    """Write a tier's duel as the results' first page does, which decides it."""
    who, told = verdict_of(pair)
    return {
        "tier": pair.tier,
        "torch": pair.torch.implementation,
        "jax": pair.jax.implementation,
        "winner": pair.winner,
        "sure": pair.is_sure,
        "ratio": ratio_cell(pair.advantage.value),
        "doubtful": pair.is_doubtful,
        "who": who,
        "told": told,
    }


def changes_of(comparison: Comparison) -> dict[str, Any]:
    """Write what a comparison found, case by case, as its own report does."""
    return {
        "summary": summary(comparison),
        "reading": comparison_report.READINGS[comparison.rule.metric].replace("*", ""),
        "headings": list(comparison_report.HEADINGS),
        "cases": [comparison_report.cells_of(verdict) for verdict in comparison.verdicts],
        "remarks": [*reasons(comparison), *comparison.notes, *provenance_lines(comparison)],
    }
