"""A table before it is written for a medium: its columns, and the text of every cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from benchmarks.analysis.columns import Column
from benchmarks.report.tables.markdown import markdown_table, plain_in_markdown

MARGIN = 3
"""Spaces between two columns."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: on a terminal it is printed with the columns that fit, in Markdown with all of them."""

    title: str = ""
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    styles: Sequence[str | None] = ()  # of each row; none: plain

    @classmethod
    def of(cls, title: str, columns: Sequence[Column], lines: Iterable[Any]) -> Grid:
        """Write every column of every line."""
        return cls(
            title=title, columns=columns, rows=[[column.write(line) for column in columns] for line in lines]
        )

    @property
    def headings(self) -> list[str]:
        """Return the columns' titles."""
        return [column.title for column in self.columns]

    def markdown(self) -> str:
        """Write the table in Markdown, without its title."""
        return markdown_table(
            [*map(plain_in_markdown, self.headings)],
            [[*map(plain_in_markdown, row)] for row in self.rows],
            right=[i for i, column in enumerate(self.columns) if not column.is_text],
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the columns that fit; those of the largest priority give way first, and are named below."""
        texts = zip(*[self.headings, *self.rows], strict=True)
        widths = [max(cell_len(line) for text in column for line in text.split("\n")) for column in texts]
        kept = list(range(len(self.columns)))
        least = sorted((column.priority, i) for i, column in enumerate(self.columns) if column.priority)
        while least and sum(widths[i] + MARGIN for i in kept) + 1 > options.max_width:
            kept.remove(least.pop()[1])
        yield self._table(kept)

    def _table(self, kept: Sequence[int]) -> Table:
        hidden = [column.title for i, column in enumerate(self.columns) if i not in kept]
        table = Table(
            title=Text(self.title, "bold") if self.title else None,
            caption=Text(f"no room for: {', '.join(hidden)}") if hidden else None,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            caption_justify="left",
        )
        for i in kept:
            column = self.columns[i]
            table.add_column(
                Text(column.title),
                justify="left" if column.is_text else "right",
                no_wrap=not column.is_text,
                overflow="fold" if column.is_text else "ellipsis",
            )
        for n, row in enumerate(self.rows):
            table.add_row(*(Text(row[i]) for i in kept), style=self.styles[n] if self.styles else None)
        return table
