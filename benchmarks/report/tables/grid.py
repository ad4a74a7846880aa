"""A table before it is written for a medium: its columns, and the text of every cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchmarks.analysis.cells import NO_FIGURE
from benchmarks.analysis.columns import Column
from benchmarks.report.tables.markdown import markdown_table, plain_in_markdown

MARGIN = 3
"""Spaces between two columns."""

PROSE = 20
"""A column of text is not made narrower than this, nor than its longest word."""

INDENT = 2
"""Of the lines below a block's first one."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: on a terminal it is printed with the columns that fit, in Markdown with all of them."""

    title: str = ""
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    styles: Sequence[str | None] = ()  # of each row; none: plain

    @classmethod
    def of(cls, title: str, columns: Sequence[Column], lines: Iterable[Any]) -> Grid:
        """Write every column of every line; a column that is shown if known, if some line has a value."""
        lines = list(lines)
        shown = [
            each for each in columns if not each.if_known or any(each.of(line) is not None for line in lines)
        ]
        rows = [[column.write(line) for column in shown] for line in lines]
        return cls(title=title, columns=shown, rows=rows)

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
        """Print the columns that fit; those of the largest priority give way first, and are named below.

        If the columns that are always shown don't fit, text and titles are broken between words. If that does
        not help, each row becomes a block: its first cell, and below it all others with their titles.
        """
        texts = zip(*[self.headings, *self.rows], strict=True)
        widths = [max(cell_len(line) for text in column for line in text.split("\n")) for column in texts]
        kept = list(range(len(self.columns)))
        least = sorted((column.priority, i) for i, column in enumerate(self.columns) if column.priority)
        while least and sum(widths[i] + MARGIN for i in kept) + 1 > options.max_width:
            kept.remove(least.pop()[1])
        room = options.max_width - MARGIN * len(kept) - 1
        wanted = [(widths[i], self._least_width(i, widths[i])) for i in kept]
        if fitting := _narrowed(wanted, room):
            yield self._table(dict(zip(kept, fitting, strict=True)))
        else:
            yield from self._blocks(options.max_width)

    def _least_width(self, i: int, natural: int) -> int:
        """Return the width below which a column can't be read: text and titles break between words only."""
        title, cells = self.columns[i].title, [row[i] for row in self.rows]
        if not self.columns[i].is_text:
            whole = [line for cell in cells for line in cell.split("\n")]
            return max(map(cell_len, ["", *title.split(), *whole]))
        words = [word for text in (title, *cells) for word in text.split()]
        return max([min(PROSE, natural), *map(cell_len, words)])

    def _table(self, widths: dict[int, int]) -> Table:
        """Make a table of the columns with these numbers and widths."""
        hidden = [column.title for i, column in enumerate(self.columns) if i not in widths]
        table = Table(
            title=Text(self.title, "bold") if self.title else None,
            caption=Text(f"no room for: {', '.join(hidden)}") if hidden else None,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            caption_justify="left",
        )
        for i, width in widths.items():
            column = self.columns[i]
            table.add_column(
                Text(column.title),
                justify="left" if column.is_text else "right",
                width=width,
                overflow="fold",
            )
        for n, row in enumerate(self.rows):
            table.add_row(*(Text(row[i]) for i in widths), style=self._style(n))
        return table

    def _blocks(self, width: int) -> Iterator[Text | Padding]:
        if self.title:
            yield Text(self.title, "bold")
        others = sorted(
            range(1, len(self.columns)),
            key=lambda i: (self.columns[i].priority, not self.columns[i].is_text),
        )
        for n, row in enumerate(self.rows):
            facts = [f"{self.columns[i].title} {row[i]}" for i in others if row[i] != NO_FIGURE]
            first = row[0] if self.columns[0].is_text else f"{self.columns[0].title} {row[0]}"
            yield Text(first, self._style(n) or "")
            yield Padding(Text(_packed(facts, width - INDENT)), (0, 0, 0, INDENT), expand=False)

    def _style(self, n: int) -> str | None:
        return self.styles[n] if self.styles else None


def _narrowed(wanted: Sequence[tuple[int, int]], room: int) -> list[int] | None:
    """Return widths that fit, from each column's natural and least width; None: there are none.

    The widest column that can give way does, as often as needed.
    """
    least = [least for _, least in wanted]
    if sum(least) > room:
        return None
    widths = [max(least, min(natural, room)) for natural, least in wanted]
    while sum(widths) > room:
        spare = [i for i, width in enumerate(widths) if width > least[i]]
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths


def _packed(facts: Iterable[str], width: int) -> str:
    """Join facts to lines of this width; only a fact that is longer is broken."""
    lines: list[str] = []
    for fact in (" ".join(fact.split()) for fact in facts):
        if lines and cell_len(longer := f"{lines[-1]} · {fact}") <= width:
            lines[-1] = longer
        else:
            lines.append(fact)
    return "\n".join(lines)
