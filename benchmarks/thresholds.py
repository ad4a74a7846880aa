"""Which threshold a case has: what the user says, else what calibration found, else the rule's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.calibration import Calibration
    from benchmarks.duel import Matchup


def set_thresholds(
    matchups: Sequence[Matchup], given: Mapping[str, float], known: Calibration | None
) -> None:
    """Take each case's threshold from what the user says, else from the calibration, else leave the rule's.

    Raises:
        UsageError: what the user says fits no case.

    """
    names = [matchup.name for matchup in matchups]
    require_fitting(given, names)
    for matchup in matchups:
        threshold = threshold_for(matchup.name, given, known, default=matchup.rule.threshold)
        matchup.rule = matchup.rule.with_threshold(threshold)


def gaps(known: Calibration | None, names: Iterable[str]) -> list[str]:
    """Say which cases the calibration does not know, for the reader of a report."""
    missing = [name for name in names if known and name not in known.cases]
    return [f"not calibrated, so their thresholds are the default: {', '.join(missing)}"] if missing else []


def require_fitting(given: Iterable[str], names: Sequence[str]) -> None:
    """Refuse a threshold for a part of a name that fits no case: it would be overlooked.

    Raises:
        UsageError: there is one.

    """
    for part in given:
        if not any(part in name for name in names):
            raise unknown_name(part, names, kind="case in --threshold")


def threshold_for(
    name: str, given: Mapping[str, float], known: Calibration | None, *, default: float
) -> float:
    """Choose a case's threshold: what the user says of a part of its name, else what calibration found."""
    fitting = [threshold for part, threshold in given.items() if part in name]
    if fitting:
        return fitting[-1]  # the last one said overrules
    calibrated = known.cases.get(name) if known else None
    return max(default, calibrated.threshold) if calibrated else default
