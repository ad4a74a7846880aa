"""What must be said beside a table: why rows have no time, and which times are not to be trusted."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from benchmarks.fairness import STARVED
from benchmarks.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.record import Row, Run


def doubts(run: Run) -> list[str]:
    """Say what the run's tables must not be mistaken for."""
    settings = run.settings
    return [
        remark
        for remark, holds in (
            ("NOT TIMED: each case was verified once", not settings.timed),
            ("QUICK LOOK: one round, no interval", settings.quick),
            (f"INTERRUPTED ({settings.interrupted}): some rounds are missing", settings.interrupted),
        )
        if holds
    ]


def doubts_of(groups: Mapping[str, Run]) -> dict[str, list[str]]:
    """Say what a table of several groups must not be mistaken for, and which of them."""
    found: dict[str, list[str]] = defaultdict(list)
    for group, run in groups.items():
        for doubt in doubts(run):
            found[doubt].append(group)
    return found


def reasons(rows: Sequence[Row]) -> list[str]:
    """Say why rows have no time, each reason once with all the cases it holds for."""
    cases: dict[tuple[str, str, Verdict, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.verdict is not Verdict.VERIFIED:
            key = (row.implementation, row.device, row.verdict, row.reason or "")
            cases[key].append(row.group.removesuffix(f" on {row.device}"))
    n_cases = Counter((row.implementation, str(row.device)) for row in rows)
    sharing: dict[tuple[str, Verdict, str, str], list[str]] = defaultdict(list)
    for (implementation, device, verdict, reason), names in cases.items():
        which = "every case" if len(names) == n_cases[implementation, device] else ", ".join(names)
        sharing[device, verdict, reason, which].append(implementation)
    return [
        f"{verdict}: {', '.join(implementations)} on {device} ({which}): {reason}"
        for (device, verdict, reason, which), implementations in sharing.items()
    ]


def starved(rows: Sequence[Row]) -> list[str]:
    """Warn of processes on a CPU that got less of their core than they were allotted."""
    shares = {
        (row.implementation, row.group): min(process.cpu_per_wall for process in row.processes)
        for row in rows
        if row.device == "cpu" and row.verdict is Verdict.VERIFIED and row.processes
    }
    return [
        f"warning: {implementation}, {group}: a process got only {share:.0%} of its core, so something else "
        "ran there; its times are too long"
        for (implementation, group), share in shares.items()
        if share < STARVED
    ]
