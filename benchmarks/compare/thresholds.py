"""Which threshold a case has: the one that the user gives, else the rule's."""

from collections.abc import Mapping, Sequence

from benchmarks.compare.rule import Rule
from benchmarks.errors import unknown_name


def rule_for(name: str, rule: Rule, given: Mapping[str, float]) -> Rule:
    """Return the rule with this case's threshold: the last one given for a part of the case's name."""
    fitting = [threshold for part, threshold in given.items() if part in name]
    return rule.with_threshold(fitting[-1]) if fitting else rule


def require_fitting(given: Mapping[str, float], names: Sequence[str]) -> None:
    """Refuse a threshold for a part of a name that fits no case: it would be overlooked.

    Raises:
        UsageError: there is one.
    """
    for part in given:
        if not any(part in name for name in names):
            raise unknown_name(part, names, kind="case in --threshold")
