"""Draws small problems with values that no implementation has seen: they find loops that are nearly right.

Sizes and learning rates are fixed, so that compilers meet nothing new; all values follow from a seed that is
new in each run. A mistake that the named problems forgive shows in one of these: the last rows of a batch
decide, gradients shrink a thousandfold or are as small as Adam's ε, and logits are far from 0.
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


@dataclass(frozen=True, kw_only=True)
class UnseenProblem:
    """A problem with its values, drawn from a seed."""

    name: str
    kind: Kind
    problem: Problem
    parameters: Parameters
    epochs: list[Batches]


def variant_of(case: Problem) -> tuple[str, ...]:
    """Return the case's loss, feed, readback, precision and data: one case of each is inspected."""
    return tuple(getattr(case, name) for name in CHOICES)


def draw(seed: int, case: Problem, n_combinations: int) -> Iterator[UnseenProblem]:
    """Draw a problem of each kind in the first combinations, in the case's variant."""
    for i, combination in enumerate(COMBINATIONS[:n_combinations]):
        variant: dict[str, Any] = dict(zip(CHOICES, variant_of(case), strict=True))
        problem = replace(combination, **variant)
        for j, (name, kind) in enumerate(KINDS.items()):
            generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, i, j))))
            yield _draw_one(generator, name, kind, problem)


def _draw_one(generator: Generator, name: str, kind: Kind, problem: Problem) -> UnseenProblem:
    n_full = problem.n_features - 1  # the last one is tiny
    scale = kind.drift / (problem.n_epochs * problem.n_batches * problem.learning_rate * n_full)
    weight = kind.reach / (scale * n_full) * generator.uniform(0.8, 1.2, problem.n_features)
    bias = kind.bias * generator.uniform(0.9, 1.1)
    n_distinct = 1 if problem.data == "dataset" else problem.n_epochs
    sizes = [problem.batch_size] * (problem.n_batches - 1) + [problem.last_batch_size or problem.batch_size]
    return UnseenProblem(
        name=f"{name}, at a learning rate of {problem.learning_rate:g}",
        kind=kind,
        problem=problem,
        parameters=Parameters(weight.astype(np.float32), np.array(bias, np.float32)),
        epochs=[
            [_draw_batch(generator, kind, (size, n_full), scale, b) for b, size in enumerate(sizes)]
            for _ in range(n_distinct)
        ],
    )


def _draw_batch(generator: Generator, kind: Kind, shape: tuple[int, int], scale: float, batch: int) -> Batch:
    size, n_full = shape
    factors, labels = kind.rows(generator, size, batch)
    x = generator.uniform(0.7, 1.3, (size, n_full + 1))
    x[:, :n_full] *= scale * factors[:, None]
    x[:, n_full] *= TINY
    return x.astype(np.float32), labels.astype(np.float32)


def _last_rows(_: Generator, size: int, _batch: int) -> Rows:
    """The others have logits near -90 and the label 0: no loss and no gradient."""
    factors = np.ones(size)
    factors[-2:] = 0.03
    return factors, np.zeros(size)


def _shrinking(generator: Generator, size: int, batch: int) -> Rows:
    """In the first step only, one row's gradient exceeds all others; then its logit is far below 0."""
    factors = np.ones(size)
    factors[-1] = 10 ** generator.uniform(2.6, 3.6) if batch == 0 else 1
    return factors, np.zeros(size)


def _far(generator: Generator, size: int, _batch: int) -> Rows:
    """Labels are as likely wrong as right, logits from -15 to -70: below -28, gradients are clamped."""
    factors, labels = generator.uniform(0.5, 1.4, size), generator.integers(2, size=size).astype(float)
    factors[-2:], labels[-2:] = 0.6, 1
    return factors, labels


def _saturated(_: Generator, size: int, _batch: int) -> Rows:
    """All labels are wrong. In float32, the last two rows have a probability of 1, so a loss of 100."""
    factors = -np.ones(size)
    factors[-2:] = 1
    return factors, (factors < 0).astype(float)


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
}
