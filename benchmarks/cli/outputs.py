"""The options of the commands that give verdicts, and the files to which they write them."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console

from benchmarks.cli.parser import Parser, add_alpha, add_argument, add_path
from benchmarks.compare.result import (
    FINE,
    INTERRUPTED,
    MISSING_OR_INVALID,
    REGRESSION,
    UNDECIDED,
    Comparison,
)
from benchmarks.compare.rule import Rule
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_write
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import print_comparison, to_markdown

REMEDY = "name another file"

VERDICT_STATUSES = {
    FINE: "no case is slower",
    REGRESSION: "a case is slower",
    INTERRUPTED: "the comparison was interrupted",
    UNDECIDED: "a case is too noisy to decide; none is slower, missing or INVALID",
    MISSING_OR_INVALID: "a case is missing, INVALID or FAILED; none is slower",
}


RENDERED: dict[str, Callable[[Comparison], bytes]] = {
    "json": lambda comparison: comparison.to_json().encode(),
    "markdown": lambda comparison: to_markdown(comparison).encode(),
    "junit": to_junit,
}


@dataclass(frozen=True)
class Outputs:
    """The files to which a comparison's report goes, in addition to the terminal."""

    files: Mapping[str, Path]  # by the format, one of RENDERED
    job_summary: Path | None = None  # of a GitHub workflow; its other steps write there, too

    @classmethod
    def of(cls, parsed: argparse.Namespace, *, inputs: Sequence[Path] = ()) -> Self:
        """Take the files that the user named, and check before measuring that they can be written.

        Raises:
            UsageError: one of them can't be written, two are the same, or one is an input.
        """
        files = {each: path for each in RENDERED if (path := getattr(parsed, each))}
        job_summary = Path(name) if (name := os.environ.get("GITHUB_STEP_SUMMARY")) else None
        outputs = [*files.values(), *([job_summary] if job_summary else [])]
        resolved = [path.resolve() for path in outputs]
        for path in outputs:
            if (n_times := resolved.count(path.resolve())) > 1:
                message = f"{path}: expected one report for each file, found {n_times}"
                raise UsageError(message)
            if path.resolve() in [each.resolve() for each in inputs]:
                message = f"{path}: expected another file for a report, found a record that is to be compared"
                raise UsageError(message)
            with explain_refusal(path, remedy=REMEDY):
                try_to_write(path)
        return cls(files, job_summary)

    def report(self, comparison: Comparison, console: Console) -> None:
        """Write the reports, then print them, even if the files can't be written.

        Raises:
            UsageError: a file can't be written.
        """
        try:
            self.write(comparison)
        finally:
            print_comparison(comparison, console)

    def write(self, comparison: Comparison) -> None:
        """Write the reports, and append to the job summary if there is one.

        Raises:
            UsageError: a file can't be written.
        """
        for each, path in self.files.items():
            with explain_refusal(path, remedy=REMEDY):
                path.write_bytes(RENDERED[each](comparison))
        if self.job_summary:
            with explain_refusal(self.job_summary, remedy=REMEDY), self.job_summary.open("ab") as file:
                file.write(RENDERED["markdown"](comparison))


THRESHOLD = """\
smaller changes of the median are ignored, as in '5' or 'jax_scan=3.5'; CASE is a part of a case's name;
repeatable, and the last one that fits a case counts"""


def add_outputs(parser: Parser, rule: Rule) -> None:
    """Add the options of every command that gives verdicts: its rule's and its reports'."""
    add_path(parser, "--json", "write every verdict with all its figures")
    add_path(parser, "--markdown", "write the report in Markdown")
    add_path(parser, "--junit", "write the report as JUnit XML")
    add_argument(parser, "--undecided-ok", "exit with 0 instead of 3 if cases are undecided", default=False)
    add_alpha(parser, rule)
    threshold = f"{THRESHOLD}; default: {rule.threshold * 100:g}"
    add_argument(parser, "--threshold", threshold, [], action="append", metavar="[CASE=]PERCENT")


def read_thresholds(texts: Sequence[str]) -> dict[str, float]:
    """Read [CASE=]PERCENT of each, in the order given; an empty part of a name fits every case.

    Raises:
        UsageError: one is no percentage, or not between 0 and 100.
    """
    thresholds: dict[str, float] = {}
    for text in texts:
        part, _, figure = text.rpartition("=")
        thresholds.pop(part, None)  # so that the last one given is last
        try:
            thresholds[part] = float(figure.strip().removesuffix("%")) / 100
        except ValueError:
            message = f"--threshold: expected [CASE=]PERCENT, as in 'jax_scan=3.5', found {text!r}"
            raise UsageError(message) from None
        if not 0 < thresholds[part] < 1:
            message = f"--threshold: expected more than 0 and less than 100 %, found {text!r}"
            raise UsageError(message)
    return thresholds
