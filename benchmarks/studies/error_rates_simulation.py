"""How often the rule of `ab` is wrong in simulated noise, with the sides in alternation or ordered by a coin.

The processes of a comparison are simulated in the order in which they run, two to a pair. Which of the two
belongs to the new side does not change their times: noise, drift and neighbours do not know the sides.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.compare.decide import categories_of
from benchmarks.compare.rule import Category, Rule
from benchmarks.stats import outer_rank

N_COMPARISONS = 20_000
RULE = Rule()
EFFECT = 0.05
SEED = 0

Shape: TypeAlias = tuple[int, int]
Noise: TypeAlias = Callable[[np.random.Generator, Shape], NDArray[np.float64]]
"""Returns the logarithm of each process's time, without the code's own: (n_comparisons, n_processes)."""


def _jitter(draw: np.random.Generator, shape: Shape, size: float = 0.005) -> NDArray[np.float64]:
    return draw.normal(0, size, shape)


def _autoregressive(draw: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
    logs = _jitter(draw, shape, 0.03)
    logs[:, 1:] *= np.sqrt(1 - 0.5**2)  # so that all processes vary alike
    for process in range(1, shape[1]):
        logs[:, process] += 0.5 * logs[:, process - 1]
    return logs


def _neighbours(draw: np.random.Generator, shape: Shape) -> NDArray[np.float64]:
    """Draw a shift that stays for ten processes on average."""
    logs = _jitter(draw, shape, 0.03)
    stays = draw.random(shape) >= 1 / 10
    for process in range(1, shape[1]):
        logs[:, process] = np.where(stays[:, process], logs[:, process - 1], logs[:, process])
    return logs


def _square_wave(draw: np.random.Generator, shape: Shape, period: int) -> NDArray[np.float64]:
    """Return 1 for half a period and -1 for the other half, from a random phase on."""
    phase = draw.integers(period, size=(shape[0], 1))
    return np.where((np.arange(shape[1]) + phase) % period < period / 2, 1.0, -1.0)


NOISES: dict[str, Noise] = {
    "independent, 2 %": lambda draw, shape: _jitter(draw, shape, 0.02),
    "autoregressive, half of the process before": _autoregressive,
    "bursts: ten processes shifted by 3 %": lambda draw, shape: (
        _neighbours(draw, shape) + _jitter(draw, shape)
    ),
    "bursts: every other two of ten processes": lambda draw, shape: (
        _neighbours(draw, shape) * _square_wave(draw, shape, 4) + _jitter(draw, shape)
    ),
    "every other process slow, ±5 %": lambda draw, shape: (
        0.05 * _square_wave(draw, shape, 2) + _jitter(draw, shape)
    ),
    "every other two processes slow, ±5 %": lambda draw, shape: (
        0.05 * _square_wave(draw, shape, 4) + _jitter(draw, shape)
    ),
    "drift: each process 1 % slower than the last": lambda draw, shape: (
        0.01 * np.arange(shape[1]) + _jitter(draw, shape)
    ),
}

ORDERS: dict[str, Callable[[np.random.Generator, Shape], NDArray[np.bool_]]] = {
    "turns": lambda _, shape: np.broadcast_to(np.arange(shape[1]) % 2 == 0, shape),
    "coin": lambda draw, shape: draw.random(shape) < 1 / 2,
}
"""Whether the new side goes first: (n_comparisons, n_pairs)."""


def shares_of(noise: Noise, order: str, effect: float, n: int) -> dict[Category, float]:
    """Compute how often n comparisons, the new side slower by the effect, end in each category."""
    draw = np.random.default_rng(SEED)
    first, second = np.moveaxis(noise(draw, (n, 2 * RULE.max_pairs)).reshape(n, -1, 2), -1, 0)
    new_first = ORDERS[order](draw, first.shape)
    ratios = (1 + effect) * np.exp(np.where(new_first, first - second, second - first))
    found = categories_of(ratios, new_first, RULE, n_cases=1)
    return {category: found.count(category) / n for category in Category}


def orders_table() -> Table:
    """Return false alarms, power and misses for each noise and order."""
    called = (Category.SLOWER, Category.UNDECIDED, Category.UNCHANGED, Category.FASTER)
    table = Table("noise", "order")
    for title in ("false alarms", *(f"{EFFECT:.0%}: {category}" for category in called)):
        table.add_column(title, justify="right")
    for name, noise in NOISES.items():
        for order in ORDERS:
            same, slower = (shares_of(noise, order, effect, N_COMPARISONS) for effect in (0.0, EFFECT))
            alarms = same[Category.SLOWER] + same[Category.FASTER]
            table.add_row(name, order, f"{alarms:.2%}", *(f"{slower[category]:.1%}" for category in called))
    return table


def bound() -> float:
    """Return the largest probability of a false alarm, slower or faster, with the order by a coin.

    It is what the sign tests of one case's looks use of alpha: with few pairs, less than their share.
    """
    return 2 * sum(outer_rank(n_pairs, RULE.tail(1))[1] for n_pairs in RULE.looks(1))
