"""Columns: how a field declares one, and what is read from the declaration."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchmarks.analysis.columns import Column, column, columns_of, explained


@dataclass
class Line:
    """A line of a table."""

    name: str = column("the name", title="name")
    time_s: float | None = column("the time", "s", title="time", priority=2)
    sizes: tuple[int, ...] = column("the sizes", value=lambda line: " ".join(map(str, line.sizes)))


LINE = Line(name="a", time_s=142e-6, sizes=(1, 10))


def test_a_field_gives_its_column_name_kind_and_whether_it_may_be_missing() -> None:
    name, time, sizes = columns_of(Line)

    assert (name.name, name.kind, name.optional, name.is_text) == ("name", str, False, True)
    assert (time.name, time.kind, time.optional, time.is_text) == ("time_s", float, True, False)
    assert (sizes.kind, sizes.priority, time.priority) == (str, 0, 2)


def test_a_column_has_the_value_of_its_field_and_writes_it_in_its_unit() -> None:
    _, time, sizes = columns_of(Line)

    assert (time.of(LINE), time.write(LINE)) == (142e-6, "142 µs")
    assert (sizes.of(LINE), sizes.write(LINE)) == ("1 10", "1 10")
    assert Column("double", cell=lambda line: f"{2 * line.time_s:.3g}").write(LINE) == "0.000284"


def test_columns_are_explained_by_title_and_meaning() -> None:
    assert explained([Column("time", "of an epoch"), Column("case")]) == "*time*: of an epoch."


def test_a_field_that_declares_no_column_is_refused() -> None:
    @dataclass
    class Odd:
        explained: int = column("…")
        bare: int = 0

    with pytest.raises(TypeError, match=r"bare: expected a field declared by column\(…\)"):
        columns_of(Odd)
