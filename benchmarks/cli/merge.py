"""The command `merge`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from benchmarks.cli.parser import add_argument, add_parser
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_write, write_named
from benchmarks.paths import real_path
from benchmarks.records.compact import to_json
from benchmarks.records.merge import join_documents, join_runs, read_document
from benchmarks.records.mergeable import groups_without_baseline, require_one_run
from benchmarks.records.run import parse_run

DESCRIPTION = """\
join the records of parallel jobs as one run

The jobs may have run on different machines of the same hardware. They must have
measured the same commit with the same packages and settings; otherwise `merge`
names the difference, and `report` shows the records side by side.

  perceptron-bench run --suite named --problem book -o book.json    # one job
  perceptron-bench run --suite named --problem wide -o wide.json    # another
  perceptron-bench merge book.json wide.json -o run.json

Measure what you want to compare in one job: a ratio is of processes of the same
round of the same job, and cases of different jobs have none. So split by
problem, or give every job the baseline. A case that several jobs measured has
the rounds of all of them; if it is INVALID or FAILED in one, it is in the run.
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `merge`."""
    parser = add_parser(commands, "merge", _merge, DESCRIPTION)
    files = "the record of a job, as `run` writes it; at least two"
    add_argument(parser, "files", files, nargs="+", type=Path, metavar="RUN.json")
    output = "the file of the merged record; one that exists is replaced"
    add_argument(parser, "-o --output", output, type=Path, metavar="FILE", required=True)


def _merge(parsed: argparse.Namespace) -> int:
    output: Path = parsed.output
    if real_path(output) in map(real_path, parsed.files):
        message = (
            f"{output}: expected another file for the merged record, found a record that is to be merged"
        )
        raise UsageError(message)
    with explain_refusal(output, remedy="name another file with -o"):
        try_to_write(output)
    runs, documents = zip(*map(read_document, parsed.files), strict=True)
    records = list(zip(parsed.files, runs, strict=True))
    require_one_run(records)
    merged = join_runs(runs)
    text = to_json(join_documents(documents, merged))
    parse_run(text.encode(), output)  # what no command could read is not written
    with explain_refusal(output, remedy="name another file with -o"):
        write_named(output, text)
    for path, run in records:
        if groups := groups_without_baseline(run):
            lacking = f"has no times of {run.settings.baseline} in {', '.join(groups)}"
            sys.stderr.write(f"warning: {path}: {lacking}: its cases there have no ratio to it\n")
    sys.stdout.write(f"merged {len(runs)} records, {len(merged.rows)} cases: {output}\n")
    return 0
