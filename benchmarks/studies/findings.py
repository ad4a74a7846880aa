"""What a study that is run by hand finds: shown as it is found and, where asked for, kept as a page."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.files import told_if_unwritable, try_to_write
from benchmarks.records.caption import machine, software
from benchmarks.report.tables.markdown import from_rich, plain_in_markdown

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.records.provenance import Provenance


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the page."""
    parser.add_argument(
        "-o", "--output", type=_page, metavar="FILE", help="write what was found as a page of Markdown, too"
    )


def _page(text: str) -> Path:
    """Refuse beforehand what could not be written after hours of measuring."""
    path = Path(text)
    try:
        try_to_write(path)
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror}); name another file"
        raise argparse.ArgumentTypeError(message) from None
    return path


@dataclass(frozen=True)
class Findings:
    """Tables and sentences, in the order in which they were found."""

    console: Console
    found: list[Table | str] = field(default_factory=list)

    def show(self, found: Table | str) -> None:
        """Print it, and keep it for the page."""
        self.console.print(found)
        self.found.append(found)

    def write(self, path: Path, *, title: str, about: str, provenance: Provenance) -> None:
        """Write the page; `about` is Markdown and says how it came about.

        Raises:
            UsageError: the file can't be written.

        """
        parts = [
            from_rich(each).rstrip() if isinstance(each, Table) else plain_in_markdown(each)
            for each in self.found
        ]
        at = provenance
        captions = (machine(at), software(at.versions, at.commit), at.date)
        measured = "\n".join(f"- {plain_in_markdown(line)}" for line in captions)
        with told_if_unwritable(path, remedy="name another file with -o"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n\n".join([f"# {title}", about, *parts, measured]) + "\n", encoding="utf-8")
        self.console.print(f"written: {path}", markup=False, highlight=False, soft_wrap=True)
