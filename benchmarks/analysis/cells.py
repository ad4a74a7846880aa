"""How a figure is written in a cell of a table."""

from __future__ import annotations

from benchmarks.stats import CONFIDENCE

NO_FIGURE = "—"


def time_cell(time_s: float | None) -> str:
    """Write a time, if there is one."""
    return NO_FIGURE if time_s is None else si(time_s, "s")


def throughput_cell(samples_per_s: float | None) -> str:
    """Write a throughput, if there is one."""
    return NO_FIGURE if samples_per_s is None else si(samples_per_s, "")


def deviation_cell(deviation: float | None) -> str:
    """Write a deviation from the reference, if there is one."""
    return NO_FIGURE if deviation is None else f"{deviation:.1e}"


def memory_cell(size_bytes: int | None) -> str:
    """Write a size, if there is one."""
    return NO_FIGURE if size_bytes is None else f"{size_bytes / 1e6:.1f} MB"


def ratio_cell(ratio: float | None) -> str:
    """Write a ratio, if there is one: "25.2×"."""
    return NO_FIGURE if ratio is None else f"{_three_digits(ratio)}×"


def interval_cell(low: float | None, high: float | None, coverage: float | None) -> str:
    """Write a ratio's interval, if it has one: "25 to 25.6", with its coverage where that is below 95 %."""
    if low is None or high is None or coverage is None:
        return NO_FIGURE
    less = f" ({coverage:.0%})" if coverage < CONFIDENCE else ""
    return f"{_three_digits(low)} to {_three_digits(high)}{less}"


def _three_digits(value: float) -> str:
    """Write a ratio with three significant digits, or all of a large one's: "25.2", "2,954"."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"  # noqa: PLR2004 - rounds to four digits


def si(value: float, unit: str) -> str:
    """Write a value with three significant digits and an SI prefix, or 0: "142 µs", "45.1 M", "0 s"."""
    if not value:
        return f"0 {unit}".rstrip()
    prefixes = {1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n", 1e-12: "p"}
    factor = next((factor for factor in prefixes if value >= factor * 0.9995), 1e-12)
    scaled = value / factor
    return f"{scaled:#.3g}".rstrip(".") + f" {prefixes[factor]}{unit}".rstrip()
