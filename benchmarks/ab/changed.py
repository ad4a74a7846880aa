"""The implementations that differ between the sides of a comparison though nobody asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.ab.pairs import SIDES
from benchmarks.compare.rule import Category
from benchmarks.records.run import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from benchmarks.ab.sides import Side
    from benchmarks.compare.result import CaseVerdict


def others_that_differ(sides: Mapping[str, Side], names: Collection[str]) -> list[str]:
    """Name those that are not among the `names`, and that the base has otherwise or not at all.

    No names stand for all there are. What the base has and the new side lacks is compared in any case.
    """
    if not names or any("impl" in side.differs for side in sides.values()):  # a file: held against one other
        return []
    base, new = (sides[side].entries for side in SIDES)
    others = [name for name in new if name not in names]
    return [name for name in others if name not in base or base[name].code_digest != new[name].code_digest]


def split(
    verdicts: Sequence[CaseVerdict], added: Collection[str]
) -> tuple[list[CaseVerdict], list[CaseVerdict]]:
    """Tell the verdicts from those on what was added, and can't be measured here on either side.

    Nobody asked for these: that they are missing must not fail the comparison.
    """
    unable = [verdict for verdict in verdicts if _is_unable(verdict, added)]
    return [verdict for verdict in verdicts if verdict not in unable], unable


def _is_unable(verdict: CaseVerdict, added: Collection[str]) -> bool:
    rows = [row for row in (verdict.base, verdict.new) if row]
    return verdict.category is Category.MISSING and all(
        row.implementation in added and row.verdict is Verdict.NOT_MEASURED for row in rows
    )


def not_compared(others: Sequence[str], unable: Sequence[CaseVerdict]) -> list[str]:
    """Say which ones differ, so that nobody takes them for unchanged."""
    told = "differ between the sides, not compared"
    return [
        *([f"{told}: {', '.join(others)} (--changed compares them, too)"] if others else []),
        *(f"{told}: {verdict.name}: {verdict.reason}" for verdict in unable),
    ]
