"""What must be stated with a table: why rows have no time, and which times are doubtful."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.analysis.figures import ratio_of, rows_by_group
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import name_of
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run

BELOW_FLOOR = 1.2
"""Without an interval, a row is remarked on if it is this many times faster than the floor."""

CPU_CONTENTION = 0.9
"""A process that got less than this share of its core shared it with another process."""


def doubts(run: Run) -> list[str]:
    """Return the warnings that hold for all of the run's tables."""
    settings = run.settings
    warnings = {
        "NOT TIMED: each case was verified once": not settings.timed,
        "QUICK LOOK: one round, no interval": settings.quick,
        f"INTERRUPTED ({settings.interrupted}): some rounds are missing": settings.interrupted,
    }
    return [warning for warning, holds in warnings.items() if holds]


def doubts_of(groups: Mapping[str, Run]) -> dict[str, list[str]]:
    """Return the warnings about a table of several groups, each with its groups."""
    found: dict[str, list[str]] = defaultdict(list)
    for group, run in groups.items():
        for doubt in doubts(run):
            found[doubt].append(group)
    return found


def reasons(rows: Sequence[Row]) -> list[str]:
    """Return why rows have no time, each reason once with all its cases."""
    cases: dict[tuple[str, str, Verdict, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.verdict is not Verdict.VERIFIED:
            key = (row.implementation, row.place, row.verdict, row.reason or "")
            cases[key].append(name_of(row.problem))
    n_cases = Counter((row.implementation, row.place) for row in rows)
    sharing: dict[tuple[str, Verdict, str, str], list[str]] = defaultdict(list)
    for (implementation, place, verdict, reason), names in cases.items():
        which = "every case" if len(names) == n_cases[implementation, place] else ", ".join(names)
        sharing[place, verdict, reason, which].append(implementation)
    return [
        f"{verdict}: {', '.join(implementations)} on {place} ({which}): {reason}"
        for (place, verdict, reason, which), implementations in sharing.items()
    ]


def remarks(run: Run) -> list[str]:
    """Return the warnings about single rows: a shared core, or a time below what the hardware allows."""
    return [*cpu_contention(run.rows, run.provenance.throttle), *below_floor(run)]


def below_floor(run: Run) -> list[str]:
    """Return a warning for each row that is faster than the floor by more than noise explains."""
    return [
        f"warning: {row.implementation}, {row.group}: {ratio.value:.3g} times faster than {FLOOR}, which "
        "shows what the hardware allows: find out why"
        for group in rows_by_group(run).values()
        for row in group.values()
        if (ratio := ratio_of(group.get(FLOOR), row))
        if (ratio.value > BELOW_FLOOR if ratio.low is None else ratio.low > 1)
    ]


def cpu_contention(rows: Sequence[Row], throttle: str = "") -> list[str]:
    """Return a warning for each verified case whose processes did not have all of their core."""
    return [
        f"warning: {row.implementation}, {row.group}: {shared}; its times are too long"
        for row in rows
        if row.device == "cpu" and row.verdict is Verdict.VERIFIED
        if row.n_ranks == 1  # a rank also waits for the others
        if (shared := shared_core([process.cpu_per_wall for process in row.processes], throttle))
    ]


def shared_core(shares: Sequence[float], throttle: str = "") -> str | None:
    """Describe how many processes had less than their core, by CPU time over wall time; None: no process.

    The cause is the `throttle`, a quota, or else another program.
    """
    n_shared = sum(share < CPU_CONTENTION for share in shares)
    if not n_shared:
        return None
    share = f"less than {CPU_CONTENTION * 100:.0f} % of their core"
    cause = f": {throttle}" if throttle else ", so something else ran there"
    return f"{n_shared} of {len(shares)} processes got {share}{cause}"
