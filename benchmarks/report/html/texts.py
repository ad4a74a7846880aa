"""Figures → the very text that the tables show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.analysis.cells import in_unit
from benchmarks.report.readme.head_to_head import verdict_of
from benchmarks.report.tables.comparison import READING, comparison_grid, remarks, summary

if TYPE_CHECKING:
    from benchmarks.analysis.head_to_head import LikeForLike
    from benchmarks.compare.result import Comparison


def paired_run_of(pair: LikeForLike) -> dict[str, Any]:
    """Write a tier's duel as the results' first page does, which decides it."""
    who, told = verdict_of(pair)
    return {
        "tier": pair.tier,
        "torch": pair.torch.implementation,
        "jax": pair.jax.implementation,
        "winner": pair.winner,
        "sure": pair.is_sure,
        "ratio": in_unit(pair.advantage.value, "×"),
        "doubtful": pair.is_doubtful,
        "who": who,
        "told": told,
    }


def changes_of(comparison: Comparison) -> dict[str, Any]:
    """Write what a comparison found, case by case, as its own report does."""
    grid = comparison_grid(comparison)
    return {
        "summary": summary(comparison),
        "reading": READING.replace("*", ""),
        "headings": grid.headings,
        "cases": grid.rows,
        "remarks": remarks(comparison),
    }
