"""Rules that call a change slower: ours and those of other tools, applied to recorded comparisons."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from benchmarks.compare import rule as decision
from benchmarks.compare.decide import categories_of
from benchmarks.compare.unpaired import decide_shift

T = TypeVar("T")

ProcessResult = dict[str, Any]
"""As `benchmarks.studies.error_rates_measure` records it: min_s, median_s, mean_s and kept_s, ascending."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One recorded comparison of one case."""

    category: str
    base: Sequence[ProcessResult]
    new: Sequence[ProcessResult]

    @property
    def ratios(self) -> list[float]:
        """Return new / base of each pair."""
        base_s = {process["pair"]: process["min_s"] for process in self.base}
        return [each["min_s"] / base_s[each["pair"]] for each in self.new if each["pair"] in base_s]


Drawn = Sequence[Comparison]
Rule = Callable[[np.random.Generator, Drawn, Drawn], bool]


def beyond(figure: str, factor: float) -> Callable[[ProcessResult, ProcessResult], bool]:
    """Return a rule: slower if a figure of the new process exceeds a multiple of the base's."""
    return lambda base, new: bool(new[figure] > factor * base[figure])


def mann_whitney(base: ProcessResult, new: ProcessResult, p_value: float = 0.05) -> bool:
    """Return whether Mann and Whitney's test calls the samples of the new process slower."""
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - a second to import

    return bool(mannwhitneyu(new["kept_s"], base["kept_s"], alternative="greater").pvalue < p_value)


def asv(base: ProcessResult, new: ProcessResult) -> bool:
    """Return whether `asv compare` calls it slower: its factor on the medians, and its test on the samples.

    https://github.com/airspeed-velocity/asv: `--factor 1.1`, `is_different` with p < 0.002, two-sided.
    """
    return beyond("median_s", 1.1)(base, new) and mann_whitney(base, new, 0.001)


TWO_RUNS: dict[str, Callable[[ProcessResult, ProcessResult], bool]] = {
    "pytest-benchmark `mean:5%`": beyond("mean_s", 1.05),
    "pytest-benchmark `min:5%`": beyond("min_s", 1.05),
    "Mann-Whitney on two processes' samples, p < 0.05": mann_whitney,
    "asv: factor 1.1 and its test": asv,
    "alert at 200 % of the mean": beyond("mean_s", 2.0),
}
"""Rules that look at one process of each of two moments."""


def calls_ab(generator: np.random.Generator, base: Drawn, new: Drawn) -> bool:
    """Return whether `ab` calls it slower."""
    del base  # the new ones' pairs hold both sides
    return ab_categories(generator, new, 1) == [decision.Category.SLOWER]


def ab_categories(
    generator: np.random.Generator, drawn: Drawn, n: int, factor: float = 1.0
) -> list[decision.Category]:
    """Return n verdicts of `ab` on pairs of whole comparisons, the new times multiplied by the factor."""
    rule, rows = decision.Rule(), list[list[float]]()
    for _ in range(n):
        ratios = list[float]()
        while len(ratios) < rule.max_pairs:
            ratios += _draw(generator, drawn).ratios
        rows.append(ratios[: rule.max_pairs])
    by_turns = np.broadcast_to(np.arange(rule.max_pairs) % 2 == 0, (n, rule.max_pairs))  # as recorded
    return categories_of(factor * np.array(rows), by_turns, rule, n_cases=1)


def calls_compare(generator: np.random.Generator, base: Drawn, new: Drawn) -> bool:
    """Return whether `compare` calls it slower, from all processes of two moments."""
    one, other = _two_moments(generator, base, new)
    base_logs, new_logs = ([math.log(process["min_s"]) for process in side] for side in (one.base, other.new))
    found = decide_shift(base_logs, new_logs, decision.UNPAIRED_RULE, n_cases=1)
    return found.category is decision.Category.SLOWER


def of_two_runs(calls_slower: Callable[[ProcessResult, ProcessResult], bool]) -> Rule:
    """Return a rule that draws one process of each of two moments."""

    def draw(generator: np.random.Generator, base: Drawn, new: Drawn) -> bool:
        one, other = _two_moments(generator, base, new)
        return calls_slower(_draw(generator, one.base), _draw(generator, other.new))

    return draw


def _two_moments(generator: np.random.Generator, base: Drawn, new: Drawn) -> tuple[Comparison, Comparison]:
    one = other = _draw(generator, base)
    while other is one:
        other = _draw(generator, new)
    return one, other


RULES: dict[str, Rule] = {
    "ours: `ab`": calls_ab,
    "ours: `compare`": calls_compare,
    **{rule: of_two_runs(calls_slower) for rule, calls_slower in TWO_RUNS.items()},
}
"""Each draws from comparisons of equal sides and new ones, and returns whether the new ones are slower."""


def _draw(generator: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(generator.integers(len(values)))]
