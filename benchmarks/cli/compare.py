"""The command `compare`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from benchmarks.analysis.caveats import remarks
from benchmarks.cli.outputs import Outputs, read_thresholds
from benchmarks.compare.rule import UNPAIRED_RULE
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.run import read_run
from benchmarks.terminal import Terminal


def compare(parsed: argparse.Namespace) -> int:
    """Compare the records, print and write the report, and return the exit status of the verdict.

    Raises:
        UsageError: a record can't be read or compared, or an option does not fit.
    """
    base, new = read_run(parsed.base), read_run(parsed.new)
    outputs = Outputs.of(parsed, inputs=(parsed.base, parsed.new))
    settings = Settings(
        rule=replace(UNPAIRED_RULE, alpha=parsed.alpha, drift=parsed.drift / 100),
        baseline=parsed.baseline,
        thresholds=read_thresholds(parsed.threshold),
    )
    comparison = compare_runs(base, new, settings)
    notes = [f"{name}: {note}" for name, run in (("base", base), ("new", new)) for note in remarks(run)]
    comparison = replace(comparison, notes=(*comparison.notes, *notes))
    outputs.report(comparison, Terminal())
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)
