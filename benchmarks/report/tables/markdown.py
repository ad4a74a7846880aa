"""Tables and text from records in Markdown, as code forges read it."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.table import Table

SPECIAL = re.compile(r"[\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.|^[-+](?=[\s-]|$)")
"""What could begin markup or make an address a link; underscores within a word are harmless."""

NUMBER = re.compile(r"^\d+(?=[.)](\s|$))")
"""Of a list's item."""


@lru_cache(maxsize=10_000)  # most texts occur many times in a report
def plain_in_markdown(text: str) -> str:
    """Keep text from a record from being read as Markdown, HTML or a formula."""
    escaped = SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
    return NUMBER.sub(r"\g<0>\\", escaped).replace("$", "&#36;")


def shortened(text: str, n_characters: int) -> str:
    """Cut a text that would break the layout."""
    return text if len(text) <= n_characters else text[: n_characters - 1] + "…"


def from_rich(table: Table) -> str:
    """Write a table whose cells are Markdown already."""
    cells = [[*map(str, column.cells)] for column in table.columns]
    return markdown_table(
        [str(column.header) for column in table.columns],
        zip(*cells, strict=True),
        right=[i for i, column in enumerate(table.columns) if column.justify == "right"],
    )


def markdown_table(headings: Sequence[str], lines: Iterable[Sequence[str]], *, right: Iterable[int]) -> str:
    """Write a table of cells that are Markdown already; columns named by number are aligned to the right."""
    rows = [headings, *lines]
    widths = [max(3, *map(len, cells)) for cells in zip(*rows, strict=True)]
    aligned = [*right]
    rule = ["-" * (width - 1) + (":" if i in aligned else "-") for i, width in enumerate(widths)]
    pads = [str.rjust if i in aligned else str.ljust for i in range(len(widths))]
    padded = [[pad(cell, width) for pad, cell, width in zip(pads, row, widths, strict=True)] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in (padded[0], rule, *padded[1:]))
