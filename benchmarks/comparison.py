"""What a comparison found, case by case, how it travels as JSON, and the exit status it stands for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.decision import Category, Decision, Rule
from benchmarks.environment import Provenance
from benchmarks.process import paired_ratios
from benchmarks.record import Row
from benchmarks.schema import Schema, require_once
from benchmarks.typed import require_types

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KEY = "perceptron_bench_comparison"
SCHEMA_VERSION = 1

FINE, REGRESSION, INTERRUPTED, UNDECIDED, USAGE, MISSING_OR_INVALID = 0, 1, 2, 3, 4, 5
"""Exit statuses; of several that hold, in this order: 2, 1, 5, 3."""

EXIT_STATUSES = """\
exit status: 0 fine: no case is slower; 1 regression: a case is slower; 2 interrupted; 3 undecided: a case is
too noisy to tell, and none is slower, missing or invalid; 4 usage: the call can't be understood or a file
can't be used; 5 missing or invalid: a case is gone, skipped, wrong or broken, and none is slower
"""


@dataclass(frozen=True, kw_only=True)
class CaseVerdict:
    """What became of one case."""

    name: str  # as pytest names the benchmark
    category: Category
    reason: str | None = None  # why it is invalid, missing or not decided
    threshold: float
    decision: Decision | None = None  # None: there was nothing to compare
    base: Row | None = None
    new: Row | None = None

    @property
    def ratios(self) -> list[float]:
        """Give new / base of each pair: the two processes' fastest epochs."""
        if self.base is None or self.new is None:
            return []
        return paired_ratios(self.base.processes, self.new.processes)


@dataclass(frozen=True, kw_only=True)
class SideRecord:
    """Where one side's figures come from."""

    name: str
    versions: dict[str, str]
    commit: str | None
    differs: dict[str, str]  # what it was set apart by


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All cases of one comparison."""

    method: str  # in words, for the reader of the report
    base: SideRecord
    new: SideRecord
    provenance: Provenance
    rule: Rule
    wall_s: float
    interrupted: str | None
    notes: tuple[str, ...] = ()  # on the calibration, say
    verdicts: tuple[CaseVerdict, ...]

    def of(self, *categories: Category) -> list[CaseVerdict]:
        """Give the cases of these categories."""
        return [verdict for verdict in self.verdicts if verdict.category in categories]

    @property
    def nothing_compared(self) -> bool:
        """Say whether the base has none of the cases, or there is none."""
        return len(self.of(Category.NEW)) == len(self.verdicts)

    def exit_status(self, *, undecided_is_fine: bool = False) -> int:
        """Give the exit status that says what was found."""
        if self.interrupted:
            return INTERRUPTED
        if self.of(Category.SLOWER):
            return REGRESSION
        if self.of(Category.MISSING, Category.INVALID) or self.nothing_compared:
            return MISSING_OR_INVALID
        if self.of(Category.UNDECIDED) and not undecided_is_fine:
            return UNDECIDED
        return FINE

    def to_json(self) -> str:
        """Write it as one JSON object; no NaN. Its exit status is the one without `--undecided-ok`."""
        fields = asdict(self) | {"exit_status": self.exit_status()}
        fields["verdicts"] = [
            asdict(verdict)
            | {
                "ratios": verdict.ratios,
                "base": verdict.base and verdict.base.to_dict(),
                "new": verdict.new and verdict.new.to_dict(),
            }
            for verdict in self.verdicts
        ]
        return json.dumps({KEY: fields | {"schema_version": SCHEMA_VERSION}}, allow_nan=False, indent=1)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Comparison:
        """Read what `to_json` wrote."""
        verdicts = tuple(map(_verdict_from, fields["verdicts"]))
        require_once("case", (verdict.name for verdict in verdicts))
        comparison = cls(
            **{name: fields[name] for name in ("method", "wall_s", "interrupted")},
            base=require_types(SideRecord(**fields["base"])),
            new=require_types(SideRecord(**fields["new"])),
            provenance=Provenance(**fields["provenance"]),
            rule=require_types(Rule(**fields["rule"])),
            notes=tuple(fields["notes"]),
            verdicts=verdicts,
        )
        return require_types(comparison)


def _verdict_from(fields: dict[str, Any]) -> CaseVerdict:
    decision = fields["decision"]
    if decision is not None:
        decision = require_types(Decision(**decision | {"category": Category(decision["category"])}))
    base, new = (fields[side] and Row.from_dict(fields[side]) for side in ("base", "new"))
    verdict = CaseVerdict(
        **{name: fields[name] for name in ("name", "reason", "threshold")},
        category=Category(fields["category"]),
        decision=decision,
        base=base,
        new=new,
    )
    return require_types(verdict)


COMPARISON = Schema(
    kind="comparison",
    key=KEY,
    version=SCHEMA_VERSION,
    remedy="read it with the release that wrote it",
    build=Comparison.from_dict,
)


def read_comparison(path: Path) -> Comparison:
    """Read a file that `ab --json` or `compare --json` wrote.

    Raises:
        UsageError: it can't be read, is no JSON, not ours, of another schema, or was edited.

    """
    return COMPARISON.read(path)


def ordered(verdicts: Iterable[CaseVerdict]) -> tuple[CaseVerdict, ...]:
    """Order the cases: what needs a look first, and last what one side lacks, which may be most of them."""
    order = [
        *(Category.SLOWER, Category.INVALID, Category.FASTER),
        *(Category.UNDECIDED, Category.UNCHANGED),
        *(Category.MISSING, Category.NEW),
    ]
    return tuple(sorted(verdicts, key=lambda verdict: (order.index(verdict.category), verdict.name)))
