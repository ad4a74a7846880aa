"""Comparisons made up for tests of their reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.compare.result import (
    KEY,
    SCHEMA_VERSION,
    CaseVerdict,
    Comparison,
    SideRecord,
    ordered,
)
from benchmarks.compare.rule import Category, Decision, Rule
from benchmarks.records.schema import Schema
from tests.helpers.records import row, run_of

COMPARISON = Schema(kind="comparison", key=KEY, version=SCHEMA_VERSION, holds=Comparison, remedy="")
SIDE = SideRecord(name="base", versions={"torch": "2.13.0"}, commit=None, differs={"ref": "main"})
DECISION = Decision(
    category=Category.SLOWER, ratio=1.1, low=1.05, high=1.2, coverage=0.98, detectable=0.05, n_pairs=10
)


def verdict(name: str, category: Category, **changes: Any) -> CaseVerdict:
    made = CaseVerdict(
        name=name, category=category, threshold=0.025, decision=DECISION, base=row(), new=row()
    )
    return replace(made, **changes)


def comparison(*verdicts: CaseVerdict, **changes: Any) -> Comparison:
    made = Comparison(
        method="as ever",
        base=SIDE,
        new=replace(SIDE, name="new"),
        provenance=run_of().provenance,
        rule=Rule(),
        wall_s=12.5,
        interrupted=None,
        notes=("a note",),
        verdicts=ordered(verdicts),
    )
    return replace(made, **changes)


ALL = comparison(*(verdict(f"case_{category.name}", category) for category in Category))
