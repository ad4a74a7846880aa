"""The result of a comparison, case by case, with its JSON form and its exit status."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from benchmarks.compare.rule import Category, Decision, Rule
from benchmarks.records.compact import to_json
from benchmarks.records.process import paired_ratios
from benchmarks.records.provenance import Provenance
from benchmarks.records.row import Row, Verdict

SIDES = ("base", "new")

KEY = "perceptron_bench_comparison"
SCHEMA_VERSION = 2

FINE, REGRESSION, INTERRUPTED, UNDECIDED, USAGE, MISSING_OR_INVALID = 0, 1, 2, 3, 4, 5
"""Exit statuses; of several that hold, in this order: 2, 1, 5, 3."""


@dataclass(frozen=True, kw_only=True)
class CaseVerdict:
    """The verdict on one case."""

    name: str  # as pytest names the benchmark
    category: Category
    reason: str | None = None  # why it is invalid, missing or undecided
    threshold: float
    decision: Decision | None = None  # None: there was nothing to compare
    base: Row | None = None
    new: Row | None = None

    @property
    def ratios(self) -> list[float]:
        """Return new / base of each pair, from the two processes' fastest epochs."""
        if self.base is None or self.new is None:
            return []
        return paired_ratios(self.base.processes, self.new.processes)


def without_figures(base: Row | None, new: Row | None) -> tuple[Category, str | None] | None:
    """Return the category of a case that can't be compared, and the reason; None: its rows allow it."""
    rows = {side: row for side, row in (("base", base), ("new", new)) if row}
    faulty = {side: row for side, row in rows.items() if row.verdict is not Verdict.VERIFIED}
    reason = "; ".join(f"{side}: {row.reason}" for side, row in faulty.items())
    if any(row.verdict is not Verdict.NOT_MEASURED for row in faulty.values()):
        return Category.INVALID, reason
    if new is None:
        return Category.MISSING, "the new side lacks it"
    if faulty:
        return Category.MISSING, reason
    return None if base else (Category.NEW, None)


@dataclass(frozen=True, kw_only=True)
class SideRecord:
    """The origin of one side's figures."""

    name: str
    versions: dict[str, str]
    commit: str | None
    differs: dict[str, str]  # how it differs from the other side


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
    notes: tuple[str, ...] = ()
    verdicts: tuple[CaseVerdict, ...]
    seed: str | None = None  # of the order of the sides in each pair; None: not drawn, or not recorded

    def of(self, *categories: Category) -> list[CaseVerdict]:
        """Return the cases of these categories."""
        return [verdict for verdict in self.verdicts if verdict.category in categories]

    @property
    def nothing_compared(self) -> bool:
        """Whether no case is in both sides, or there are no cases."""
        return len(self.of(Category.NEW)) == len(self.verdicts)

    def exit_status(self, *, undecided_is_fine: bool = False) -> int:
        """Return the exit status of the command."""
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
        return to_json({KEY: fields | {"schema_version": SCHEMA_VERSION}})


def ordered(verdicts: Iterable[CaseVerdict]) -> tuple[CaseVerdict, ...]:
    """Order the cases: problems first, and last the cases that one side lacks, which may be many."""
    order = [
        *(Category.SLOWER, Category.INVALID, Category.FASTER),
        *(Category.UNDECIDED, Category.UNCHANGED),
        *(Category.MISSING, Category.NEW),
    ]
    return tuple(sorted(verdicts, key=lambda verdict: (order.index(verdict.category), verdict.name)))
