"""What the reader must know of a comparison in addition to its verdicts."""

from collections.abc import Collection, Mapping, Sequence

from benchmarks.ab.resume import Workplace
from benchmarks.ab.sides import Side
from benchmarks.analysis.caveats import shared_core
from benchmarks.compare.result import SIDES, CaseVerdict
from benchmarks.compare.rule import Category, Rule
from benchmarks.records.row import Verdict


def resumed(place: Workplace) -> list[str]:
    """Report processes of an earlier call: the first and the last pairs may be far apart in time."""
    if not place.n_recalled:
        return []
    return [f"resumed: {place.n_recalled} processes had been measured by a call that was interrupted"]


def too_few_pairs(rule: Rule, n_cases: int) -> list[str]:
    """Warn if even pairs that all agree could show nothing."""
    if rule.counts or 0.5**rule.max_pairs <= rule.tail(n_cases):
        return []
    cases = f"{n_cases} case{'s' * (n_cases > 1)}"
    return [f"--max-pairs {rule.max_pairs}: too few to call any of {cases} slower or faster"]


def cpu_contention(verdicts: Sequence[CaseVerdict], throttle: str) -> list[str]:
    """Warn of processes on a CPU that did not have all of their core, and name the cause."""
    every = (row for verdict in verdicts for row in (verdict.base, verdict.new) if row)
    rows = [row for row in every if row.device == "cpu" and row.n_ranks == 1]  # a rank waits for others, too
    shared = shared_core([process.cpu_per_wall for row in rows for process in row.processes], throttle)
    where = "without the quota" if throttle else "on a quieter machine"
    remedy = f"the verdicts hold, but undecided cases may be decided {where}"
    return [f"{shared}: {remedy}"] if shared else []


def others_that_differ(sides: Mapping[str, Side], names: Collection[str]) -> list[str]:
    """Return the other implementations whose code differs between the sides, or that only the new side has.

    No names stand for all implementations. Implementations that only the base has are compared in any case.
    """
    if not names or any(side.is_one_file for side in sides.values()):
        return []
    base, new = (sides[side].entries for side in SIDES)
    others = [name for name in new if name not in names]
    return [name for name in others if name not in base or base[name].code_digest != new[name].code_digest]


def split(
    verdicts: Sequence[CaseVerdict], added: Collection[str]
) -> tuple[list[CaseVerdict], list[CaseVerdict]]:
    """Separate the verdicts on added implementations that neither side can measure here.

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
    """Name the implementations that differ and are not compared: they may have changed."""
    differ = "differ between the sides, not compared"
    return [
        *([f"{differ}: {', '.join(others)} (--changed compares them, too)"] if others else []),
        *(f"{differ}: {verdict.name}: {verdict.reason}" for verdict in unable),
    ]
