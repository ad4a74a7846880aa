"""Which threshold a case has: what the user says, else what calibration found, else the rule's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.compare.calibration import Calibration
    from benchmarks.compare.noise import CaseCalibration
    from benchmarks.compare.rule import Rule


def uncalibrated(known: Calibration | None, names: Iterable[str], given: Mapping[str, float]) -> list[str]:
    """Say which cases have a threshold from neither the user nor the calibration."""
    missing = [name for name in names if known and name not in known.cases and not _said(name, given)]
    return [f"not calibrated, so their thresholds are the default: {', '.join(missing)}"] if missing else []


def mismatched(
    known: Calibration | None, names: Iterable[str], given: Mapping[str, float], rule: Rule, *, n_cases: int
) -> list[str]:
    """Say which of the calibration's thresholds were found for comparisons by `ab` unlike this one."""
    unlike: dict[str, list[str]] = {}
    for name in names:
        case = known.cases.get(name) if known else None
        if case and not _said(name, given) and (why := "; ".join(_differences(case, rule, n_cases))):
            unlike.setdefault(why, []).append(name)
    return [
        f"calibrated for other comparisons ({why}), so false alarms may be more frequent than alpha says: "
        f"{', '.join(cases)}; calibrate them together and with the same options"
        for why, cases in unlike.items()
    ]


def _differences(case: CaseCalibration, rule: Rule, n_cases: int) -> Iterator[str]:
    if n_cases > case.n_cases:
        yield f"of at most {case.n_cases} case{'s' * (case.n_cases > 1)}, not {n_cases}"
    if rule.alpha != case.alpha:
        yield f"alpha {case.alpha:g}, not {rule.alpha:g}"
    if rule.max_pairs > case.max_pairs:
        yield f"of at most {case.max_pairs} pairs, not {rule.max_pairs}"


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
    if said := _said(name, given):
        return said[-1]  # the last one said overrules
    calibrated = known.cases.get(name) if known else None
    return max(default, calibrated.threshold) if calibrated else default


def _said(name: str, given: Mapping[str, float]) -> list[float]:
    return [threshold for part, threshold in given.items() if part in name]
