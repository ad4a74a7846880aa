"""A problem's data and initial parameters, drawn from its seed."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impls.contract import Batch, Batches, Parameters, Problem


def draw_epochs(problem: Problem) -> list[Batches]:
    """Draw every distinct epoch: one for a data set, n_epochs for a stream."""
    n_distinct = 1 if problem.data == "dataset" else problem.n_epochs
    return [
        [draw_batch(problem, epoch, batch) for batch in range(problem.n_batches)]
        for epoch in range(n_distinct)
    ]


def draw_batch(problem: Problem, epoch: int, batch: int) -> Batch:
    """Draw features x (batch_size, n_features) and labels y (batch_size,), float32.

    Two Gaussian classes of unit variance, each with probability 1/2, around (3, 3) and (3, -2); see
    `class_centers` for other widths. Seeded by problem, epoch and batch only, so any batch can be drawn
    alone and in any order.
    """
    ragged = batch == problem.n_batches - 1 and problem.last_batch_size is not None
    size = problem.last_batch_size if ragged else problem.batch_size
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((problem.seed, epoch, batch))))
    labels = generator.integers(2, size=size)
    x = generator.standard_normal((len(labels), problem.n_features), dtype=np.float32)
    x += class_centers(problem.n_features)[labels]
    x *= np.float32(problem.feature_scale)
    return x, labels.astype(np.float32)


def class_centers(n_features: int) -> NDArray[np.float32]:
    """Return the centers of class 0 and 1, shape (2, n_features).

    The pattern (3, 3), (3, -2) repeats, scaled so that the centers are 5 apart in every width and the problem
    stays equally hard. In an odd width the first feature is one in which the classes differ.
    """
    pattern = np.array([[3, 3], [3, -2]], dtype=np.float32)
    n_pairs = (n_features + 1) // 2
    centers: NDArray[np.float32] = np.tile(pattern, n_pairs)[:, -n_features:] / np.sqrt(np.float32(n_pairs))
    return centers


def draw_parameters(problem: Problem) -> Parameters:
    """Draw the initial weight (n_features,) and bias () from U(-1/√D, 1/√D), as torch.nn.Linear does."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((problem.seed,))))
    bound = 1 / np.sqrt(problem.n_features)
    drawn = generator.uniform(-bound, bound, problem.n_features + 1).astype(np.float32)
    return Parameters(weight=drawn[:-1], bias=drawn[-1:].reshape(()))


def digest_of(epochs: Sequence[Batches], parameters: Parameters) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the bytes of parameters and data."""
    sha = hashlib.sha256()
    for array in (parameters.weight, parameters.bias, *(a for batches in epochs for b in batches for a in b)):
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:16]
