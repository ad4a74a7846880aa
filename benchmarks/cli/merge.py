"""The command `merge`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_write, write_named
from benchmarks.paths import real_path
from benchmarks.records.compact import to_json
from benchmarks.records.merge import join_documents, join_runs, read_document
from benchmarks.records.mergeable import groups_without_baseline, require_one_run
from benchmarks.records.run import Run, parse_run


def merge(parsed: argparse.Namespace) -> int:
    """Write the merged record, and print how many records and cases it has.

    Raises:
        UsageError: the records are not of one run, or a file can't be read or written.
    """
    output: Path = parsed.output
    if real_path(output) in map(real_path, parsed.files):
        message = (
            f"{output}: expected another file for the merged record, found a record that is to be merged"
        )
        raise UsageError(message)
    with explain_refusal(output, remedy="name another file with -o"):
        try_to_write(output)
    text, merged = join_records(parsed.files, output)
    with explain_refusal(output, remedy="name another file with -o"):
        write_named(output, text)
    sys.stdout.write(f"merged {len(parsed.files)} records, {len(merged.rows)} cases: {output}\n")
    return 0


def join_records(files: Sequence[Path], output: Path) -> tuple[str, Run]:
    """Return the merged record as text, and the run in it; warn of records without times of the baseline.

    Raises:
        UsageError: the records are not of one run, or one can't be read.
    """
    runs, documents = zip(*map(read_document, files), strict=True)
    records = list(zip(files, runs, strict=True))
    require_one_run(records)
    merged = join_runs(runs)
    text = to_json(join_documents(documents, merged))
    parse_run(text.encode(), output)  # what no command could read is not written
    for path, run in records:
        if groups := groups_without_baseline(run):
            lacking = f"has no times of {run.settings.baseline} in {', '.join(groups)}"
            sys.stderr.write(f"warning: {path}: {lacking}: its cases there have no ratio to it\n")
    return text, merged
