"""The README's tables: each is made of the record that it names, so that anybody can make it again.

    python -m benchmarks.readme [FILE…]

Without a file every table is written again from its own record; with files, each from the first of them that
has timed the same problem on the same device.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box

from benchmarks.errors import UsageError
from benchmarks.figures import figures_of
from benchmarks.launch import ROOT
from benchmarks.markdown import from_rich, plain_in_markdown
from benchmarks.problems import NAMED, name_of
from benchmarks.record import read_run
from benchmarks.table import row_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Figures
    from benchmarks.record import Run

README = ROOT / "README.md"
TABLE = re.compile(
    r"<!-- table: (?P<problem>\w+) on (?P<device>\w+), (?P<file>\S+) -->\n.*?<!-- end of table -->", re.DOTALL
)
LEFT_OUT = ("best", "warm", "memory", "verdict")
"""Columns of a run's tables that the README's do without."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables again; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="records, the preferred ones first"
    )
    parsed = parser.parse_args(arguments)
    try:
        text = renewed(README.read_text(encoding="utf-8"), parsed.files)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    README.write_text(text, encoding="utf-8")
    return 0


def renewed(page: str, files: Sequence[Path] = ()) -> str:
    """Give the page with each of its tables written from its record, or from a file that has it too.

    Raises:
        UsageError: the page has no table, or a record does not hold what its table is of.

    """
    if not TABLE.search(page):
        message = f"{README}: expected a line <!-- table: book on cpu, results/runs/DATE.json -->, found none"
        raise UsageError(message)
    return TABLE.sub(
        lambda found: _table(found["problem"], found["device"], [*files, Path(found["file"])]), page
    )


def _table(problem: str, device: str, files: Sequence[Path]) -> str:
    name = name_of(NAMED[problem]) if problem in NAMED else problem
    for file in files:
        run = read_run(ROOT / file)
        rows = [row for row in figures_of(run) if (row.problem, row.device) == (name, device)]
        if timed := sorted((row for row in rows if row.typical_s), key=lambda row: row.typical_s or 0):
            shown = Path(os.path.relpath(ROOT / file, ROOT)).as_posix()
            content = [f"<!-- table: {problem} on {device}, {shown} -->", "", *_lines(timed), ""]
            return "\n".join([*content, _caption(timed[0], run), "", "<!-- end of table -->"])
    message = (
        f"{files[-1]}: expected timed rows of {problem} on {device}, found none; name a record with some"
    )
    raise UsageError(message)


def _lines(rows: Sequence[Figures]) -> list[str]:
    table = row_table(rows, box_=box.MARKDOWN, plain=plain_in_markdown)
    table.columns = [column for column in table.columns if column.header not in LEFT_OUT]
    return from_rich(table).splitlines()


def _caption(row: Figures, run: Run) -> str:
    """Say what an epoch was, and where and with what it was measured."""
    at = run.provenance
    cores = f"{row.n_cores} core{'s' * (row.n_cores != 1)} of {row.cpu}"
    versions = ", ".join(f"{name} {at.versions[name]}" for name in ("torch", "jax") if name in at.versions)
    return plain_in_markdown(
        f"An epoch: {row.n_batches} steps on {row.batch_size:,} samples of {row.n_features} features. "
        f"{row.gpu if row.device == 'cuda' else cores}, {row.n_rounds} rounds of fresh processes, "
        f"{versions}, commit {row.commit or 'unknown'}, {row.run[:10]}."
    )


if __name__ == "__main__":
    sys.exit(main())
