"""How a name and a figure are written in the README's tables and sentences."""

from benchmarks.analysis.cells import NO_FIGURE, in_unit, interval_cell
from benchmarks.report.tables.markdown import plain_in_markdown, shortened

NO_BREAK = "\N{NO-BREAK SPACE}"

MAX_NAME = 60
"""Characters of a name in a cell; the other tables have the whole name."""


def nickname(group: str) -> str:
    """Return the name of the group's problem, or the sizes of a problem without a name."""
    problem = group.partition(" on ")[0]
    name, _, sizes = problem.partition("-B")
    return name if sizes else problem


def cell(text: str) -> str:
    """Write a text from a record."""
    return plain_in_markdown(shortened(text, MAX_NAME))


def label(group: str) -> str:
    """Write the name of a group's problem in bold."""
    return f"**{cell(nickname(group))}**"


def unbroken(text: str) -> str:
    """Keep a figure and its unit on one line; a line may break before a bracket."""
    return text.replace(" ", NO_BREAK).replace(f"{NO_BREAK}(", " (")


def ratio_with_interval(
    value: float | None, low: float | None, high: float | None, coverage: float | None
) -> str:
    """Write a ratio, with its interval in brackets if it has one."""
    interval = interval_cell(low, high, coverage)
    return in_unit(value, "×") + (f" ({unbroken(interval)})" if interval != NO_FIGURE else "")
