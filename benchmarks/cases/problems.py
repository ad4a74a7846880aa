"""Named problems, their generated names, and the data and initial parameters they stand for (NumPy only)."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.errors import UsageError, unknown_name
from impls.contract import Parameters, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from impls.contract import Batch, Batches

NAMED = {
    "book": Problem(),
    "small": Problem(batch_size=32, n_batches=100),
    "large": Problem(batch_size=100_000),
    "wide": Problem(n_features=256, n_batches=20),
}

_IN_EVERY_NAME = {"batch_size": "B", "n_features": "D", "n_batches": "N", "n_epochs": "E"}


@cache  # asked for each row of a report, several times
def name_of(problem: Problem) -> str:
    """Generate the problem's name from its fields: "book-B1000-D2-N5-E12", "B64-D2-N5-E12-data=stream".

    The sizes always stand in it, other fields where they differ from the default; a named problem's name
    comes first.
    """
    nicknames = [nickname for nickname, named in NAMED.items() if named == problem]
    sizes = [f"{letter}{getattr(problem, field)}" for field, letter in _IN_EVERY_NAME.items()]
    others = [
        f"{field.name}={getattr(problem, field.name)}"
        for field in fields(Problem)
        if field.name not in _IN_EVERY_NAME and getattr(problem, field.name) != field.default
    ]
    return "-".join(nicknames + sizes + others)


def parse_problem(text: str) -> Problem:
    """Read "NAME" or "NAME,field=value,…": a named problem with some of its fields replaced.

    Raises:
        UsageError: no such name or field, or a value that does not fit.

    """
    name, *assignments = text.split(",")
    if name not in NAMED:
        raise unknown_name(name, NAMED, kind="problem")
    return replace_fields(NAMED[name], assignments)


def replace_fields(problem: Problem, assignments: Sequence[str]) -> Problem:
    """Replace fields by assignments of the form "field=value".

    Raises:
        UsageError: no such field, or a value that does not fit.

    """
    types = {field.name: str(field.type) for field in fields(Problem)}
    changes: dict[str, object] = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            message = f"expected field=value after the problem's name, found {assignment!r}"
            raise UsageError(message)
        if field not in types:
            raise unknown_name(field, types, kind="field of a problem")
        changes[field] = _parse_value(field, value, types[field])
    try:
        return replace(problem, **changes)  # type: ignore[arg-type] # each converted by its field
    except ValueError as error:
        raise UsageError(str(error)) from None


def _parse_value(field: str, text: str, type_name: str) -> object:
    if text.lower() == "none" and "None" in type_name:
        return None
    convert = int if "int" in type_name else float if "float" in type_name else str
    try:
        return convert(text)
    except ValueError:
        message = f"Problem.{field}: expected {type_name}, found {text!r}"
        raise UsageError(message) from None


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
    `class_centers` for other widths. Seeded by problem, epoch and batch alone: any batch can be drawn by
    itself and in any order.
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
    """Give the centers of class 0 and 1, shape (2, n_features).

    The pattern (3, 3), (3, -2) repeats, and is scaled so that the centers lie 5 apart in every width: the
    problem stays equally hard. In an odd width the leading feature is one in which the classes differ.
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
    """Fingerprint the very bytes: 16 hexadecimal digits of SHA-256."""
    sha = hashlib.sha256()
    for array in (parameters.weight, parameters.bias, *(a for batches in epochs for b in batches for a in b)):
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:16]
