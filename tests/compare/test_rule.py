"""The rule of `ab`: when it stops, what it says, and how often it is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.compare.decide import categories_of, final_verdict, verdict_so_far
from benchmarks.compare.evidence import balanced
from benchmarks.compare.rule import COUNTED_RULE, Category, Rule
from benchmarks.errors import UsageError
from benchmarks.stats import median_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.compare.rule import Decision

RULE = Rule()


def sequential_verdict(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> Decision:
    """Judge a case whose pairs come in one by one, the first five of them balanced."""
    for n_pairs in range(rule.min_pairs, len(ratios)):
        if decision := verdict_so_far(ratios[:n_pairs], rule, n_cases=n_cases):
            return decision
    return final_verdict(ratios, rule, n_cases=n_cases)


def drawn(effect: float, noise: float, *, seed: int, n: int = 20) -> list[float]:
    """Draw ratios of pairs: log-normal noise around an effect."""
    generator = np.random.default_rng(seed)
    return list(np.exp(generator.normal(np.log1p(effect), noise, n)))


def categories(effect: float, noise: float, *, rule: Rule = RULE, n: int = 200) -> Counter[Category]:
    return together([drawn(effect, noise, seed=seed) for seed in range(n)], rule)


def together(ratios: Sequence[Sequence[float]] | NDArray[np.float64], rule: Rule) -> Counter[Category]:
    """Judge many cases at once, as each by itself, which a test below checks."""
    by_turns = np.broadcast_to(np.arange(20) % 2 == 0, (len(ratios), 20))
    return Counter(categories_of(np.array(ratios), by_turns, rule, n_cases=1))


def test_what_is_clearly_unchanged_ends_after_the_fewest_pairs() -> None:
    ratios = [1.001, 0.999, 1.004, 0.998, 1.0]

    assert verdict_so_far(ratios[:4], RULE) is None
    decision = verdict_so_far(ratios, RULE)

    assert decision is not None
    assert (decision.category, decision.n_pairs, decision.ratio) == (Category.UNCHANGED, 5, 1.0)


def test_a_slowdown_of_5_percent_in_noise_of_2_percent_is_found_nearly_always() -> None:
    assert categories(0.05, 0.02)[Category.SLOWER] >= 198


def test_a_speedup_is_found_as_surely_as_a_slowdown() -> None:
    assert categories(1 / 1.05 - 1, 0.02)[Category.FASTER] >= 198


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.05, 0.2])
def test_equal_sides_are_called_slower_at_most_as_often_as_alpha_allows_in_any_noise(noise: float) -> None:
    assert categories(0.0, noise, n=400)[Category.SLOWER] <= 400 * RULE.alpha


def test_heavy_tails_raise_no_more_false_alarms_than_alpha_allows() -> None:
    generator = np.random.default_rng(0)
    ratios = np.exp(0.03 * generator.standard_cauchy((400, 20)))

    assert together(ratios, RULE)[Category.SLOWER] <= 400 * RULE.alpha


def test_a_change_below_the_threshold_is_no_slowdown_however_sure_it_is() -> None:
    assert final_verdict([1.02] * 20, RULE).category is Category.UNCHANGED


@pytest.mark.parametrize("threshold", [0.005, 0.01, 0.015, 0.02])
def test_a_slowdown_beyond_a_small_threshold_hardly_ever_passes_as_unchanged(threshold: float) -> None:
    found = categories(1.5 * threshold, 0.009, rule=RULE.with_threshold(threshold), n=400)

    assert found[Category.UNCHANGED] <= 400 * 0.05


@pytest.mark.parametrize("threshold", [0.005, 0.01])
def test_a_small_threshold_raises_no_more_false_alarms_than_alpha_allows(threshold: float) -> None:
    found = categories(0.0, 0.009, rule=RULE.with_threshold(threshold), n=400)

    assert found[Category.SLOWER] <= 400 * RULE.alpha


def test_what_is_unchanged_shrinks_with_a_smaller_threshold_and_does_not_grow_with_a_larger_one() -> None:
    smaller, larger = RULE.with_threshold(0.01), RULE.with_threshold(0.05)

    assert [smaller.unchanged, smaller.spread] == pytest.approx([0.006, 0.008])
    assert (larger.unchanged, larger.spread) == (RULE.unchanged, RULE.spread)
    assert RULE.with_threshold(RULE.threshold) == RULE


def test_every_threshold_fits_a_rule_that_calls_unchanged_all_that_is_within_it() -> None:
    for threshold in np.linspace(1e-4, 0.5, 1000).tolist():
        assert COUNTED_RULE.with_threshold(threshold).unchanged <= threshold


@pytest.mark.parametrize("n_cases", [1, 4, 12])
@pytest.mark.parametrize("threshold", [0.025, 0.04, 0.1])
def test_many_cases_at_once_are_judged_as_each_by_itself(threshold: float, n_cases: int) -> None:
    generator = np.random.default_rng(0)
    ratios = np.exp(
        generator.normal(generator.choice([-0.1, -0.03, 0, 0.03, 0.1], (150, 1)), 0.03, (150, 20))
    )
    by_turns = np.broadcast_to(np.arange(20) % 2 == 0, ratios.shape)
    rule = RULE.with_threshold(threshold)

    found = categories_of(ratios, by_turns, rule, n_cases=n_cases)

    assert found == [sequential_verdict(row, rule, n_cases=n_cases).category for row in ratios.tolist()]
    assert set(found) == {Category.SLOWER, Category.FASTER, Category.UNCHANGED, Category.UNDECIDED}


def test_what_clearly_seems_unchanged_waits_until_each_side_has_gone_first_twice() -> None:
    ratios = [1.001, 0.999, 1.004, 0.998, 1.0]

    assert verdict_so_far(ratios, RULE, is_balanced=False) is None
    assert balanced(
        np.array([[True, True, True, True, False], [True, False, True, False, True]])
    ).tolist() == [
        False,
        True,
    ]


def test_one_wild_pair_changes_no_verdict() -> None:
    ratios = drawn(0.0, 0.003, seed=1, n=9)

    assert sequential_verdict([3.0, *ratios], RULE).category is Category.UNCHANGED


def test_a_slowdown_ends_halfway_where_all_pairs_show_it() -> None:
    assert sequential_verdict([1.05, 1.06] * 10, RULE).n_pairs == 10


def test_noise_too_large_to_tell_is_undecided_and_names_the_slowdown_it_would_have_shown() -> None:
    decision = sequential_verdict(drawn(0.0, 0.1, seed=0), RULE)

    assert decision.category is Category.UNDECIDED
    assert decision.n_pairs == RULE.max_pairs
    assert decision.detectable is not None
    assert decision.detectable == pytest.approx(decision.ratio / decision.low - 1)
    shifted = [ratio / decision.ratio * (1 + decision.detectable * 1.01) for ratio in drawn(0.0, 0.1, seed=0)]
    assert final_verdict(shifted, RULE).category is Category.SLOWER


def test_the_more_cases_there_are_the_surer_each_must_be() -> None:
    ratios = [1.06] * 9 + [0.99]  # the same direction in 9 of 10

    assert final_verdict(ratios, Rule(alpha=0.05), n_cases=1).category is Category.SLOWER
    assert final_verdict(ratios, Rule(alpha=0.05), n_cases=20).category is Category.UNDECIDED


def test_a_look_that_could_never_find_anything_takes_no_share_of_the_error() -> None:
    rule = Rule()

    assert (rule.looks(5), rule.tail(5)) == ((10, 20), rule.alpha / 10)
    assert (rule.looks(6), rule.tail(6)) == ((20,), rule.alpha / 6)
    assert sequential_verdict([1.06] * 20, rule, n_cases=6).n_pairs == 20


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    samples = generator.exponential(size=(2000, 20))
    intervals = [median_interval(list(sample), 0.05) for sample in samples]
    covered = np.mean([low <= np.log(2) <= high for low, high, _ in intervals])

    assert covered == pytest.approx(intervals[0][2], abs=0.015)


@pytest.mark.parametrize(
    "figures",
    [
        {"threshold": 0.0},
        {"threshold": -0.1},
        {"alpha": 1.0},
        {"spread": float("nan")},
        {"unchanged": 0.05},
        {"min_pairs": 0},
        {"min_pairs": 21},
        {"drift": -0.1},
        {"metric": "energy"},
    ],
)
def test_a_rule_out_of_range_is_refused_by_the_name_of_its_figure(figures: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"rule: {next(iter(figures))}: expected .*, found"):
        Rule(**figures)


def test_too_few_pairs_are_undecided_however_alike_and_claim_to_have_seen_nothing() -> None:
    decision = sequential_verdict([1.0, 1.0], Rule(min_pairs=1, max_pairs=2))

    assert (decision.category, decision.detectable) == (Category.UNDECIDED, None)


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one pair"):
        final_verdict([], RULE)
