"""Draws problems with values that no implementation has seen: they find loops that are nearly right.

Sizes and learning rates are fixed or the case's own, so that compilers meet nothing new; all values follow
from a seed that is new in each run. A mistake that the named problems forgive shows in one of these: the last
rows of a batch decide, gradients shrink a thousandfold, or are small in all steps, or as small as Adam's ε,
logits are far from 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from impls.contract import CHOICES, Batch, Batches, Parameters, Problem

Rows: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""A factor and a label for each row of a batch."""

COMBINATIONS = (
    Problem(n_features=3, batch_size=37, n_batches=4, last_batch_size=5, n_epochs=10, learning_rate=0.1),
    Problem(n_features=9, batch_size=24, n_batches=1, n_epochs=6, learning_rate=1.0),
    Problem(n_features=2, batch_size=41, n_batches=3, last_batch_size=1, n_epochs=15, learning_rate=1e-4),
)
"""An odd width with a ragged tail, one batch, and a tail of one row."""

N_STEPS, MIN_EPOCHS = 20, 2
"""A training at a case's own size has about so many steps, but at least so many epochs, if the case has."""

N_VALUES, INSPECTED_VALUES = 2_000_000, 26_000_000
"""About so many features are drawn at a case's own size, in a process that times and in one that inspects; a
kind of values that they do not suffice for is left out."""

RATES = 1e-4, 0.1
"""The learning rates that the kinds are made for. At 1, the tiny feature's weight is off by more than the
tolerance, in a correct loop with 256 features (measured)."""

TINY = 1e-7
"""The last feature's size: the gradient by its weight is at most about ten times Adam's ε."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of values: before the first step, a row's logit is about bias + reach · the row's factor."""

    bias: float
    reach: float
    drift: float  # so far the weights can move a logit, whatever the learning rate: features are scaled so
    rows: Callable[[Generator, int, int], Rows]  # given a batch's size and its place in the epoch
    precision: str = "float64"  # of the reference; float32 where only that has a loss of 100
    often: str  # the usual mistakes that such values show
    losses: tuple[str, ...] = CHOICES["loss"]  # for problems with one of these


@dataclass(frozen=True, kw_only=True)
class UnseenProblem:
    """A problem with its values, drawn from a seed."""

    name: str
    kind: Kind
    problem: Problem  # as it is trained
    announced: Problem  # as the implementation gets it: it may say that more epochs follow
    parameters: Parameters
    epochs: list[Batches]


def variant_of(case: Problem) -> tuple[str, ...]:
    """Return the case's loss, feed, readback, precision and data: one case of each is inspected."""
    return tuple(getattr(case, name) for name in CHOICES)


def draw(seed: int, case: Problem, n_combinations: int, n_ranks: int = 1) -> Iterator[UnseenProblem]:
    """Draw a problem of each kind in the first combinations, in the case's variant.

    The ranks divide each batch: it has so many more rows.
    """
    for i, combination in enumerate(COMBINATIONS[:n_combinations]):
        variant: dict[str, Any] = dict(zip(CHOICES, variant_of(case), strict=True))
        problem = replace(_divided(combination, n_ranks), **variant)
        for j, name in enumerate(kinds_of(case)):
            drawn = _draw_one(_generator(seed, i, j), name, problem)
            yield replace(drawn, name=f"{name}, at a learning rate of {problem.learning_rate:g}")


def _divided(problem: Problem, n_ranks: int) -> Problem:
    def multiple(size: int) -> int:
        return -(-size // n_ranks) * n_ranks

    last = problem.last_batch_size
    return replace(problem, batch_size=multiple(problem.batch_size), last_batch_size=last and multiple(last))


def draw_own_size(seed: int, case: Problem, n_kinds: int) -> Iterator[UnseenProblem]:
    """Draw problems of the case's own size, of so many kinds; the kinds follow from the seed, too.

    The implementation gets the case itself, in which only the values are others.
    """
    n_epochs = min(case.n_epochs, max(MIN_EPOCHS, N_STEPS // case.n_batches))
    problem = replace(case, n_epochs=n_epochs, target_loss=None)
    names = kinds_of(case)
    order = _generator(seed, len(COMBINATIONS)).permutation(len(names))
    for j in order[:n_kinds]:
        drawn = _draw_one(_generator(seed, len(COMBINATIONS), j), names[j], problem)
        yield replace(drawn, announced=case)


def kinds_of(case: Problem) -> list[str]:
    """Name the kinds of values that there are for a case's loss."""
    return [name for name, kind in KINDS.items() if case.loss in kind.losses]


def n_kinds_of(case: Problem, n_values: int) -> int:
    """Return how many kinds to draw at the case's own size, given about how many features may be drawn."""
    if case.precision != "float32" or not RATES[0] <= case.learning_rate <= RATES[1]:
        return 0
    return min(len(kinds_of(case)), max(1, n_values // (case.samples_per_epoch * case.n_features)))


def _generator(*seeds: int) -> Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seeds)))


def _draw_one(generator: Generator, name: str, problem: Problem) -> UnseenProblem:
    kind = KINDS[name]
    n_full = max(1, problem.n_features - 1)  # the last one is tiny, if it is not the only one
    scale = kind.drift / (problem.n_epochs * problem.n_batches * problem.learning_rate * n_full)
    weight = kind.reach / (scale * n_full) * generator.uniform(0.8, 1.2, problem.n_features)
    bias = kind.bias * generator.uniform(0.9, 1.1)
    sizes = np.full(problem.n_features, scale, np.float32)
    sizes[n_full:] = TINY
    n_distinct = 1 if problem.data == "dataset" else problem.n_epochs
    n_rows = [problem.batch_size] * (problem.n_batches - 1) + [problem.last_batch_size or problem.batch_size]
    return UnseenProblem(
        name=name,
        kind=kind,
        problem=problem,
        announced=problem,
        parameters=Parameters(weight.astype(np.float32), np.array(bias, np.float32)),
        epochs=[
            [_draw_batch(generator, sizes, n_full, *kind.rows(generator, n, b)) for b, n in enumerate(n_rows)]
            for _ in range(n_distinct)
        ],
    )


def _draw_batch(
    generator: Generator,
    sizes: NDArray[np.float32],  # of each feature
    n_full: int,  # features that the rows' factors enlarge
    factors: NDArray[np.float64],
    labels: NDArray[np.float64],
) -> Batch:
    x = generator.random((len(labels), len(sizes)), np.float32)
    x *= np.float32(0.6)
    x += np.float32(0.7)
    x *= sizes
    x[:, :n_full] *= factors.astype(np.float32)[:, None]
    return x, labels.astype(np.float32)


def _last_rows(_: Generator, size: int, _batch: int) -> Rows:
    """The others have logits near -90 and the label 0: no loss and no gradient."""
    factors = np.ones(size)
    factors[-2:] = 0.03
    return factors, np.zeros(size)


def _shrinking(generator: Generator, size: int, batch: int) -> Rows:
    """In the first step only, a few rows' gradients exceed all others; then their logits are far below 0."""
    factors = np.ones(size)
    factors[-max(1, size // 40) :] = 10 ** generator.uniform(2.6, 3.6) if batch == 0 else 1
    return factors, np.zeros(size)


def _far(generator: Generator, size: int, _batch: int) -> Rows:
    """Every other label is wrong, logits go from -15 to -70: below -28, gradients are clamped.

    So neither every other row nor a half of the batch represents all of it.
    """
    factors = np.sort(generator.uniform(0.5, 1.4, size))
    labels = ((np.arange(size) + generator.integers(2)) % 2).astype(float)
    factors[-2:], labels[-2:] = 0.6, 1
    return factors, labels


def _saturated(_: Generator, size: int, _batch: int) -> Rows:
    """All labels are wrong. In float32, the last two rows have a probability of 1, so a loss of 100."""
    factors = -np.ones(size)
    factors[-2:] = 1
    return factors, (factors < 0).astype(float)


def _constant(_: Generator, size: int, _batch: int) -> Rows:
    """All rows weigh the same, and all labels are right."""
    return np.ones(size), np.zeros(size)


KINDS = {
    "batches in which only the last two rows count": Kind(
        bias=5,
        reach=-90,
        drift=12,
        rows=_last_rows,
        often="the last rows left out, another ε or β of Adam, weight decay, smoothed labels",
    ),
    "gradients that shrink a thousandfold": Kind(
        bias=2,
        reach=1e-4,
        drift=20,
        rows=_shrinking,
        often="amsgrad, clipped gradients or features",
    ),
    "logits far below 0": Kind(
        bias=-3,
        reach=-30,
        drift=6,
        rows=_far,
        often="other clamps than those of torch.nn.BCELoss, a loss on logits in place of probabilities",
    ),
    "probabilities of 1 for the label 0": Kind(
        bias=15,
        reach=30,
        drift=6,
        rows=_saturated,
        precision="float32",
        often="other clamps than those of torch.nn.BCELoss, a loss on logits in place of probabilities",
    ),
    "gradients below a thousandth": Kind(
        bias=-10,
        reach=-0.01,
        drift=0.01,
        rows=_constant,
        often="steps left out where the gradient is small, or a training that ends there",
        # On logits, compiled by PyTorch, it is 1 - sigmoid(-z): off by 6e-8, which is too much of it.
        losses=("bce",),
    ),
}
