"""Which threshold a case has: the one that the user gives, else the calibrated one, else the rule's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.compare.calibration import Calibration
from benchmarks.compare.noise import CaseCalibration
from benchmarks.compare.rule import Rule
from benchmarks.errors import unknown_name


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The thresholds of one comparison. Fractions: 0.025 is 2.5 %."""

    given: Mapping[str, float]  # by a part of the case's name; the last that fits a case counts
    calibration: Calibration | None

    def rule_for(self, name: str, rule: Rule) -> Rule:
        """Return the rule with this case's threshold. A calibrated threshold never lowers the rule's own."""
        if given := self._given(name):
            return rule.with_threshold(given[-1])
        case = self._calibrated(name)
        return rule.with_threshold(max(rule.threshold, case.threshold)) if case else rule

    def require_fitting(self, names: Sequence[str]) -> None:
        """Refuse a threshold for a part of a name that fits no case: it would be overlooked.

        Raises:
            UsageError: there is one.
        """
        for part in self.given:
            if not any(part in name for name in names):
                raise unknown_name(part, names, kind="case in --threshold")

    def uncalibrated(self, names: Iterable[str]) -> list[str]:
        """Name the cases that have a threshold from neither the user nor the calibration."""
        missing = [name for name in names if not self._given(name) and not self._calibrated(name)]
        if not missing or not self.calibration:
            return []
        return [f"not calibrated, so their thresholds are the default: {', '.join(missing)}"]

    def mismatched(self, names: Iterable[str], rule: Rule, *, n_cases: int) -> list[str]:
        """Name the cases whose thresholds were calibrated for comparisons by `ab` unlike this one."""
        mismatched: dict[str, list[str]] = {}
        for name in names:
            case = None if self._given(name) else self._calibrated(name)
            if case and (why := "; ".join(_differences(case, rule, n_cases))):
                mismatched.setdefault(why, []).append(name)
        return [
            f"calibrated for other comparisons ({why}), so more false alarms than alpha allows are possible: "
            f"{', '.join(cases)}; calibrate them together and with the same options"
            for why, cases in mismatched.items()
        ]

    def _given(self, name: str) -> list[float]:
        return [threshold for part, threshold in self.given.items() if part in name]

    def _calibrated(self, name: str) -> CaseCalibration | None:
        return self.calibration.cases.get(name) if self.calibration else None


def _differences(case: CaseCalibration, rule: Rule, n_cases: int) -> Iterator[str]:
    if n_cases > case.n_cases:
        yield f"of at most {case.n_cases} case{'s' * (case.n_cases > 1)}, not {n_cases}"
    if rule.alpha != case.alpha:
        yield f"alpha {case.alpha:g}, not {rule.alpha:g}"
    if rule.max_pairs > case.max_pairs:
        yield f"of at most {case.max_pairs} pairs, not {rule.max_pairs}"
