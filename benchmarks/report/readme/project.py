"""The tables of the project's README, each made from the record that it names.

    python -m benchmarks.report.readme.project [FILE…]

Without a file, every table is written again from its own record. With files, it is written from the first
file that has times of named problems on the same device.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.analysis.caveats import doubts
from benchmarks.analysis.figures import Figures
from benchmarks.analysis.head_to_head import Line, lines_of
from benchmarks.cases.problems import NAMED, name_of
from benchmarks.errors import UsageError
from benchmarks.files import write_atomically
from benchmarks.paths import CODE
from benchmarks.records.caption import cores, packages
from benchmarks.records.run import Run, read_run
from benchmarks.report.readme.cells import label, nickname, unbroken
from benchmarks.report.readme.head_to_head import tier_table
from benchmarks.report.tables.markdown import plain_in_markdown
from impls.contract import Problem

README = CODE / "README.md"
TABLE = re.compile(r"<!-- table: (?P<device>\w+), (?P<file>\S+) -->\n.*?<!-- end of table -->", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables again; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="records, in order of preference")
    parsed = parser.parse_args(arguments)
    try:
        text = renewed(README.read_text(encoding="utf-8"), parsed.files)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    write_atomically(README, text)
    return 0


def renewed(page: str, files: Sequence[Path] = ()) -> str:
    """Return the page with each of its tables written from its record, or from a file that also has it.

    Raises:
        UsageError: the page has no table, or a record lacks the problems or the device of its table.
    """
    if not TABLE.search(page):
        message = f"{README}: expected a line <!-- table: cpu, results/runs/DATE.json -->, found none"
        raise UsageError(message)
    return TABLE.sub(lambda found: _table(found["device"], [*files, Path(found["file"])]), page)


def _table(device: str, files: Sequence[Path]) -> str:
    for file in files:
        run = read_run(CODE / file)
        groups = named_lines(run, device)
        pairs = [line.pair for lines in groups.values() for line in lines if line.pair]
        if rows := [row for pair in pairs for row in (pair.torch, pair.jax)]:
            shown = Path(os.path.relpath(CODE / file, CODE)).as_posix()
            head, end = f"<!-- table: {device}, {shown} -->", "<!-- end of table -->"
            return "\n".join([head, "", _named_table(groups), _caption(rows, run), "", end])
    message = f"{files[-1]}: expected both frameworks on named problems on {device}, found none; name another"
    raise UsageError(message)


def named_lines(run: Run, device: str) -> dict[str, list[Line]]:
    """Return the run's comparisons of the frameworks on each named problem, by group."""
    found = lines_of(run)
    groups = [f"{name_of(problem)} on {device}" for problem in NAMED.values()]
    return {group: found[group] for group in groups if group in found}


def _named_table(groups: Mapping[str, Sequence[Line]]) -> str:
    headings = [f"{label(group)}<br><small>{_sizes(NAMED[nickname(group)])}</small>" for group in groups]
    return tier_table(groups, headings)


def _sizes(problem: Problem) -> str:
    size = unbroken(f"{problem.batch_size:,} × {problem.n_features}")
    return f"{problem.n_batches} batches of {size}"


def _caption(rows: Sequence[Figures], run: Run) -> str:
    """Describe where and with what the figures were measured."""
    at, row = run.provenance, rows[0]
    counts = [each.n_rounds for each in rows]
    rounds = " to ".join(map(str, sorted({min(counts), max(counts)})))
    versions: dict[str, str] = {name: at.versions[name] for name in ("torch", "jax") if name in at.versions}
    where = row.gpu if row.device == "cuda" else f"{cores(row.n_cores)} of {row.cpu}"
    caveats = "".join(f"**{plain_in_markdown(each)}.** " for each in doubts(run))
    return caveats + plain_in_markdown(
        f"{where}, {rounds} rounds of fresh processes, {packages(versions)}, "
        f"commit {row.commit or 'unknown'}, {row.run[:10]}."
    )


if __name__ == "__main__":
    sys.exit(main())
