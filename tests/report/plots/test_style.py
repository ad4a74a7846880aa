"""Looks of implementations, ticks, themes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import REFERENCE, discover
from benchmarks.report.plots.style import (
    BLUE,
    GREEN,
    OLIVE,
    ORANGE,
    SOLID,
    Look,
    ink_on,
    log_ticks,
    look_of,
    variants_of,
)
from tests.helpers.records import row

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1e-5, 1e-3, 1e-4], [1e-5, 1e-4, 1e-3]),
        ([2e-5, 5e-4], [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]),
        ([32, 64, 256], [10, 20, 50, 100, 200, 500, 1000, 2000, 5000]),
        ([4e-4], [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3]),
        ([], []),
    ],
)
def test_a_logarithmic_axis_has_the_fewest_round_values_of_which_three_are_within(
    values: list[float], ticks: list[float]
) -> None:
    assert log_ticks(values) == ticks


def looks() -> dict[str, Look]:
    """Return the look of every implementation in impls/."""
    return {
        name: look_of(row(name, framework=entry.framework, tier=entry.tier, gradient=entry.gradient))
        for name, entry in discover().items()
        if name != REFERENCE
    }


def test_implementations_of_one_colour_differ_in_shape_in_dashes_and_in_areas() -> None:
    known = looks()

    for distinct in ("shape", "dash"):
        assert len({(look.colour, getattr(look, distinct)) for look in known.values()}) == len(known)
    assert len({look.fill for look in known.values()}) == len(known)


def test_framework_tier_and_gradient_decide_the_colour_and_only_the_usual_program_has_a_solid_line() -> None:
    assert look_of(row("mine", framework="jax", tier="epoch")).colour == BLUE
    assert look_of(row("mine", framework="jax", tier="epoch", gradient="by hand")).colour == GREEN
    assert look_of(row("mine", framework="mlx", tier="epoch")).colour == OLIVE
    usual = {name for name, entry in discover().items() if entry.usual}
    assert {name for name, look in looks().items() if look.dash == SOLID} == usual


def test_an_implementation_that_is_gone_keeps_its_colour() -> None:
    assert look_of(row("jax_scan_packed", framework="jax", tier="epoch")).colour == GREEN


@pytest.mark.parametrize("original", ["jax_scan", "jax_scan_fused_hand", "jax_jit", "torch_cudagraph_epoch"])
def test_a_copy_has_a_variant_of_its_own_and_leaves_those_of_others_as_they_are(original: str) -> None:
    entries = discover()
    before = variants_of(entries.values())

    after = variants_of([*entries.values(), replace(entries[original], name="yours")])

    assert before == {name: after[name] for name in before}
    assert after["yours"] != after[original]


def test_a_name_is_written_in_the_ink_that_is_read_on_its_colour() -> None:
    assert [ink_on(colour) for colour in ("#ffffff", "#000000", BLUE, GREEN, ORANGE)] == [
        "black", "white", "white", "black", "black"
    ]  # fmt: skip
