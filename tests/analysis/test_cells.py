"""How figures are written in cells."""

from __future__ import annotations

import pytest

from benchmarks.analysis.cells import in_unit, interval_cell, si


@pytest.mark.parametrize(
    ("ratio", "text"), [(1.0, "1×"), (25.19, "25.2×"), (999.4, "999×"), (999.6, "1,000×"), (2954.4, "2,954×")]
)
def test_a_ratio_has_three_digits_or_all_of_a_large_one_s(ratio: float, text: str) -> None:
    assert in_unit(ratio, "×") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.50 s"), (0.0123, "12.3 ms"), (142e-6, "142 µs"), (999.96e-6, "1.00 ms"), (5e-9, "5.00 ns"),
        (0.5e-9, "500 ps"), (60.0, "60.0 s"), (999.4e-6, "999 µs"), (0.5e-12, "0.500 ps"),
    ],
)  # fmt: skip
def test_times_have_three_digits_and_a_unit(value: float, text: str) -> None:
    assert si(value, "s") == text


def test_counts_have_three_digits_and_a_prefix() -> None:
    assert [si(value, "") for value in (45.12e6, 999.0, 1234.0, 3.1e9)] == [
        "45.1 M",
        "999",
        "1.23 k",
        "3.10 G",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "—"), (142e-6, "s", "142 µs"), (45.12e6, "1/s", "45.1 M"), (1.23e7, "bytes", "12.3 MB"),
        (25.19, "×", "25.2×"), (2.5e-6, "", "2.5e-06"), (12_345, "", "12,345"), ("a text", "", "a text"),
        (1.5e-3, "J", "1.50 mJ"),
    ],
)  # fmt: skip
def test_a_figure_is_written_in_its_unit(value: float | str | None, unit: str, text: str) -> None:
    assert in_unit(value, unit) == text


def test_an_interval_names_its_coverage_only_below_95_percent() -> None:
    assert interval_cell(25.04, 25.6, 0.97) == "25 to 25.6"
    assert interval_cell(25.04, 25.6, 0.9375) == "25 to 25.6 (94%)"
    assert interval_cell(None, None, None) == "—"
