"""Mutants of records: one to three edits of what a file holds, or of its bytes."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e-300, 1e308, -1e308, 2**31, 2**63, -(2**63) - 1, 10**400),
    *(float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "0",
        "nan",
        "\x1b[31m",
        "\u202e",
        "\udcff",
        "=1+1",
        "[red]",
        "<b>",
        "\n",
        "../x",
        "x" * 50_000,
    ),
    *([], {}, [None], {"": None}, [[[]]]),
]


def mutant(document: dict[str, Any], seed: int) -> bytes:
    """Return the file of one mutant; a seed always gives the same one."""
    source = random.Random(seed)  # noqa: S311 - no secret
    changed = deepcopy(document)
    for _ in range(source.choice((1, 1, 2, 3))):
        source.choice(EDITS)(changed, source)
    content = json.dumps(changed).encode()
    if source.random() < 0.1:
        content = _torn(content, source)
    return content


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Find each container with each of its keys or indices."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _place(document: Any, source: random.Random) -> tuple[Any, Any]:
    """Draw a place, each name of a field as often as any other: most values of a record are losses."""
    by_name: dict[str, list[tuple[Any, Any]]] = {}
    for container, key in _places(document):
        by_name.setdefault(str(key), []).append((container, key))
    by_name = by_name or {"": [({"": None}, "")]}  # an edit before this one has removed all
    return source.choice(by_name[source.choice(sorted(by_name))])


def _replace(document: Any, source: random.Random) -> None:
    container, key = _place(document, source)
    container[key] = deepcopy(source.choice(VALUES))


def _remove(document: Any, source: random.Random) -> None:
    container, key = _place(document, source)
    del container[key]


def _double(document: Any, source: random.Random) -> None:
    lists = [container[key] for container, key in _places(document) if isinstance(container[key], list)]
    chosen = source.choice([each for each in lists if each] or [[]])
    chosen.extend(deepcopy(chosen[:1]))


def _exchange(document: Any, source: random.Random) -> None:
    (one, i), (other, j) = _place(document, source), _place(document, source)
    one[i], other[j] = deepcopy(other[j]), deepcopy(one[i])


def _scale(document: Any, source: random.Random) -> None:
    """Change a number a little, or much."""
    numbers = [(c, k) for c, k in _places(document) if isinstance(c[k], int | float)]
    container, key = source.choice(numbers or [({"": 1}, "")])
    container[key] *= source.choice((-1, 2, 0.5, 1e3, 1e-3, 1.0000001))


EDITS: tuple[Callable[[Any, random.Random], None], ...] = (
    _replace,
    _replace,
    _remove,
    _double,
    _exchange,
    _scale,
)


def _torn(content: bytes, source: random.Random) -> bytes:
    """Cut the file off, or flip a few of its bytes."""
    if source.random() < 0.5:
        return content[: source.randrange(len(content))]
    flipped = bytearray(content)
    for _ in range(source.randrange(1, 5)):
        flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
    return bytes(flipped)
