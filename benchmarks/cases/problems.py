"""Problems and the names generated from them: of a problem, a case and a group of cases."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

from benchmarks.errors import UsageError, unknown_name
from impls.contract import Device, Problem

NAMED = {
    "book": Problem(),
    "small": Problem(batch_size=32, n_batches=100),
    "large": Problem(batch_size=100_000),
    "wide": Problem(n_features=256, n_batches=20),
}

_IN_EVERY_NAME = {"batch_size": "B", "n_features": "D", "n_batches": "N", "n_epochs": "E"}


@cache  # a report asks for each row several times
def name_of(problem: Problem) -> str:
    """Generate the problem's name from its fields: "book-B1000-D2-N5-E12", "B64-D2-N5-E12-data=stream".

    It always has the sizes, and other fields where they differ from the default. A named problem's name
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


def placed_on(device: str, n_cores: int, n_ranks: int = 1) -> str:
    """Name where a case runs: "cpu", "cpu, 2 cores", "cpu, 4 ranks, 2 cores each"; a 1 is left out."""
    ranks = [f"{n_ranks} ranks"] if n_ranks > 1 else []
    cores = [f"{n_cores} cores" + " each" * len(ranks)] if n_cores > 1 else []
    return ", ".join([device, *ranks, *cores])


def place_marks(n_cores: int, n_ranks: int = 1) -> str:
    """Return the end of a case's name: "-R4-2cores" on 4 ranks of 2 cores each; a 1 is left out."""
    return f"-R{n_ranks}" * (n_ranks > 1) + f"-{n_cores}cores" * (n_cores > 1)


def group_name(problem: Problem, device: Device, n_cores: int = 1, n_ranks: int = 1) -> str:
    """Name the group of cases that may be compared: "book-B1000-D2-N5-E12 on cpu"."""
    return f"{name_of(problem)} on {placed_on(device, n_cores, n_ranks)}"


def case_name(
    implementation: str, device: Device, problem: Problem, n_cores: int = 1, n_ranks: int = 1
) -> str:
    """Name a case as pytest names its benchmark: "jax_scan-cpu-book-B1000-D2-N5-E12-2cores"."""
    return f"{implementation}-{device}-{name_of(problem)}{place_marks(n_cores, n_ranks)}"


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
    changes: dict[str, Any] = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            message = f"expected field=value after the problem's name, found {assignment!r}"
            raise UsageError(message)
        if field not in types:
            raise unknown_name(field, types, kind="field of a problem")
        changes[field] = _parse_value(field, value, types[field])
    try:
        return replace(problem, **changes)
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
