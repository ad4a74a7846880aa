"""The parts that studies share: their options, and their findings on the terminal and as a page."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_write, write_named
from benchmarks.records.caption import machine, software
from benchmarks.report.tables.markdown import from_rich, plain_in_markdown
from benchmarks.runner.system import collect_provenance
from benchmarks.terminal import Terminal

REMEDY = "name another file with -o"
USAGE_ERROR = 4
"""Exit status, that of `perceptron-bench`."""


def study_parser(description: str | None, *, writes_page: bool = False) -> argparse.ArgumentParser:
    """Return a parser for a study's options, with -o if it can write its findings as a page."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if writes_page:
        help_ = "also write the findings as a page of Markdown"
        parser.add_argument("-o", "--output", type=_writable, metavar="FILE", help=help_)
    return parser


def _writable(text: str) -> Path:
    """Refuse a page that could not be written, before hours of measuring."""
    path = Path(text)
    try:
        with explain_refusal(path, remedy=REMEDY):
            try_to_write(path)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path


def run_study(
    parser: argparse.ArgumentParser,
    study: Callable[[argparse.Namespace], int],
    arguments: Sequence[str] | None,
) -> int:
    """Run the study with its options and return its exit status; a usage error is one line and status 4."""
    parsed = parser.parse_args(arguments)
    try:
        return study(parsed)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR


@dataclass(frozen=True)
class Findings:
    """Tables and sentences, in the order in which they were found."""

    console: Console = field(default_factory=lambda: Terminal(width=140))
    found: list[Table | str] = field(default_factory=list)

    def show(self, found: Table | str) -> None:
        """Print it, and keep it for the page."""
        self.console.print(found)
        self.found.append(found)

    def write(self, path: Path | None, head: str, cpus: tuple[int, ...]) -> None:
        """Write the page, if one is wanted: `head` is Markdown, with its title and how it was measured.

        Raises:
            UsageError: the file can't be written.
        """
        if path is None:
            return
        parts = [
            from_rich(each).rstrip() if isinstance(each, Table) else plain_in_markdown(each)
            for each in self.found
        ]
        at = collect_provenance(cpus)
        captions = (machine(at), software(at.versions, at.commit), at.date)
        measured = "\n".join(f"- {plain_in_markdown(line)}" for line in captions)
        with explain_refusal(path, remedy=REMEDY):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_named(path, "\n\n".join([head, *parts, measured]) + "\n")
        self.console.print(f"written: {path}", markup=False, highlight=False, soft_wrap=True)
