"""How a figure is written in a cell of a table."""

import re
from typing import TypeVar

from benchmarks.stats import CONFIDENCE

T = TypeVar("T")

NO_FIGURE = "—"

FORMULA = re.compile(r"^([=+\-@\t\r])")
"""The beginning of a text that a spreadsheet would compute, or might."""


def in_unit(value: float | str | None, unit: str = "") -> str:
    """Write a figure in its unit: "142 µs" (s), "45.1 M" (1/s), "12.3 MB" (bytes), "25.2×" (×).

    Without a unit, a whole number is written with commas, any other number as a power of ten: "2.5e-06".
    """
    if value is None or isinstance(value, str):
        return NO_FIGURE if value is None else value
    match unit:
        case "×":
            return f"{_three_digits(value)}×"
        case "bytes":
            return f"{value / 1e6:.1f} MB"
        case "":
            return f"{value:,}" if isinstance(value, int) else f"{value:.1e}"
    return si(value, unit.removeprefix("1/s"))


def without_formula(value: T) -> T | str:
    """Return the value for a CSV file: an apostrophe before a text keeps a spreadsheet from computing it."""
    return FORMULA.sub(r"'\1", value) if isinstance(value, str) else value


def difference_cell(value: int | None) -> str:
    """Write a difference of two counts with its sign: "+43"."""
    return NO_FIGURE if value is None else f"{value:+,}"


def interval_cell(low: float | None, high: float | None, coverage: float | None) -> str:
    """Write the interval of a ratio: "25 to 25.6", with its coverage if that is below 95 %."""
    if low is None or high is None or coverage is None:
        return NO_FIGURE
    less = f" ({coverage:.0%})" if coverage < CONFIDENCE else ""
    return f"{_three_digits(low)} to {_three_digits(high)}{less}"


FOUR_DIGITS = 999.5
"""From here on a value rounds to four digits, which three would write with an exponent."""


def _three_digits(value: float) -> str:
    """Write a ratio with three significant digits, or all digits of a large one: "25.2", "2,954"."""
    return f"{value:.3g}" if value < FOUR_DIGITS else f"{value:,.0f}"


def si(value: float, unit: str) -> str:
    """Write a value with three significant digits and an SI prefix, or 0: "142 µs", "45.1 M", "0 s"."""
    if not value:
        return f"0 {unit}".rstrip()
    prefixes = {1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n", 1e-12: "p"}
    factor = next((factor for factor in prefixes if value >= factor * 0.9995), 1e-12)
    return f"{value / factor:#.3g}".rstrip(".") + f" {prefixes[factor]}{unit}".rstrip()
