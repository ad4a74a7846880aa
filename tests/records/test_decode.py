"""Reading what JSON gives as the classes that declare it: else it is refused, with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import pytest

from benchmarks.decode import AnyFloat, Within, decode


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    step: int
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class Leaf:
    text: str
    share: Annotated[float, Within(0, 1)]
    count: Annotated[int, Within(0, 10)] | None = None  # not recorded


@dataclass(frozen=True, kw_only=True)
class Tree:
    color: Color
    device: Literal["cpu", "cuda"]
    is_timed: bool
    number: float
    seed: int
    loose: AnyFloat = 0.0
    leaves: tuple[Leaf, ...]
    points: tuple[Point, ...] = ()
    names: dict[str, str | None]
    pair: tuple[str, int] = ("a", 1)
    cpus: list[int] = field(default_factory=list)
    best: Leaf | None = None

    def __post_init__(self) -> None:
        if len(self.leaves) > 2:
            message = "expected at most 2 leaves"
            raise ValueError(message)


LEAF = {"text": "a", "share": 0.5}
TREE = {
    "color": "red",
    "device": "cpu",
    "is_timed": True,
    "number": 1.5,
    "seed": 7,
    "leaves": [LEAF, LEAF | {"share": 1, "count": 10}],
    "points": [[1, 0.5], [2, None]],
    "names": {"torch": "2.13.0", "jax": None},
    "pair": ["b", 2],
    "cpus": [0, 1],
    "best": LEAF,
}
READ = Tree(
    color=Color.RED,
    device="cpu",
    is_timed=True,
    number=1.5,
    seed=7,
    leaves=(Leaf(text="a", share=0.5), Leaf(text="a", share=1, count=10)),
    points=(Point(1, 0.5), Point(2, None)),
    names={"torch": "2.13.0", "jax": None},
    pair=("b", 2),
    cpus=[0, 1],
    best=Leaf(text="a", share=0.5),
)


def test_nested_classes_are_built_from_what_json_gives() -> None:
    assert decode(Tree, json.loads(json.dumps(TREE))) == READ


def test_an_unknown_field_is_ignored_and_a_missing_one_has_its_default() -> None:
    older = {name: value for name, value in TREE.items() if name not in ("points", "pair", "cpus", "best")}

    read = decode(Tree, older | {"of the future": {"nan": float("nan")}})

    assert (read.points, read.pair, read.cpus, read.best) == ((), ("a", 1), [], None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"color": "green"}, "color: expected 'red' or 'blue', found 'green'"),
        ({"color": ["red"]}, "color: expected 'red' or 'blue', found ['red']"),
        ({"device": None}, "device: expected 'cpu' or 'cuda', found None"),
        ({"is_timed": 1}, "is_timed: expected true or false, found 1"),
        ({"number": True}, "number: expected a number, found True"),
        ({"number": "1.5"}, "number: expected a number, found '1.5'"),
        ({"number": float("nan")}, "number: expected a number, found nan"),
        ({"number": float("-inf")}, "number: expected a number, found -inf"),
        ({"number": 10**400}, "number: expected a number, found 1000"),
        ({"loose": "nan"}, "loose: expected a number, found 'nan'"),
        ({"seed": 7.0}, "seed: expected a whole number, found 7.0"),
        ({"seed": False}, "seed: expected a whole number, found False"),
        ({"leaves": {}}, "leaves: expected a list, found {}"),
        ({"leaves": [LEAF, 3]}, "leaves[1]: expected an object, found 3"),
        ({"leaves": [LEAF, {"text": "b"}]}, "leaves[1].share: expected a number from 0 to 1, found nothing"),
        ({"leaves": [LEAF | {"share": -0.1}]}, "leaves[0].share: expected a number from 0 to 1, found -0.1"),
        (
            {"leaves": [LEAF | {"count": 11}]},
            "leaves[0].count: expected a whole number from 0 to 10, found 11",
        ),
        ({"leaves": [LEAF] * 3}, "expected at most 2 leaves"),
        ({"points": [[1, 0.5], [2]]}, "points[1]: expected a list of 2, found [2]"),
        ({"points": [[1, "x"]]}, "points[0][1]: expected a number, found 'x'"),
        ({"pair": ["b", 2, 3]}, "pair: expected a list of 2, found ['b', 2, 3]"),
        ({"names": {"torch": 2}}, "names['torch']: expected a text, found 2"),
        ({"best": LEAF | {"text": None}}, "best.text: expected a text, found None"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place_what_was_expected_and_what_was_found(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        decode(Tree, TREE | changes)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("value", [None, 7, "Tree", [TREE]])
def test_another_value_than_an_object_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected an object, found "):
        decode(Tree, value)


@pytest.mark.parametrize("name", ["color", "is_timed", "seed", "leaves", "names"])
def test_a_missing_field_without_a_default_is_refused_by_name(name: str) -> None:
    fields = {key: value for key, value in TREE.items() if key != name}

    with pytest.raises(ValueError, match=rf"^{name}: expected .*, found nothing$"):
        decode(Tree, fields)


def test_a_long_value_is_abbreviated_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"seed: expected a whole number, found 'xx+\.\.\.x+'$") as error:
        decode(Tree, TREE | {"seed": "x" * 100_000})
    assert len(str(error.value)) < 100


def test_where_any_float_is_declared_nan_is_one() -> None:
    assert decode(Tree, TREE | {"loose": float("inf")}).loose == float("inf")
