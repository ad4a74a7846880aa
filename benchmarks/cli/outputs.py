"""Where the verdicts of `ab` and `compare` go besides the terminal; the options both commands share."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from benchmarks.compare.result import EXIT_STATUSES
from benchmarks.errors import UsageError
from benchmarks.files import told_if_unwritable, try_to_write
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import print_comparison, to_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchmarks.compare.result import Comparison
    from benchmarks.compare.rule import Rule


REMEDY = "name another file"


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where a comparison's report goes besides the terminal."""

    json: Path | None
    markdown: Path | None
    junit: Path | None
    job_summary: Path | None  # of a workflow of GitHub's: other steps write there, too

    @classmethod
    def of(cls, parsed: argparse.Namespace, *, inputs: Sequence[Path] = ()) -> Self:
        """Take what the user named, and find out before measuring whether it can be written.

        Raises:
            UsageError: one of them can't be, two are the same, or one is an input.

        """
        job_summary = os.environ.get("GITHUB_STEP_SUMMARY")
        outputs = cls(
            json=parsed.json,
            markdown=parsed.markdown,
            junit=parsed.junit,
            job_summary=Path(job_summary) if job_summary else None,
        )
        named = [path for path in vars(outputs).values() if path]
        for path in named:
            if (n_times := [each.resolve() for each in named].count(path.resolve())) > 1:
                message = f"{path}: expected one report for each file, found {n_times}"
                raise UsageError(message)
            if path.resolve() in [each.resolve() for each in inputs]:
                message = f"{path}: expected another file for a report, found a record that is to be compared"
                raise UsageError(message)
            with told_if_unwritable(path, remedy=REMEDY):
                try_to_write(path)
        return outputs

    def report(self, comparison: Comparison, console: Console) -> None:
        """Write what was asked for, then print it, even if that or this can't be done.

        Raises:
            UsageError: a file can't be written.

        """
        try:
            self.write(comparison)
        finally:
            print_comparison(comparison, console)

    def write(self, comparison: Comparison) -> None:
        """Write what was asked for, and append to the job summary where there is one.

        Raises:
            UsageError: one of them can't be written.

        """
        if self.json:
            _write(self.json, comparison.to_json().encode())
        if self.markdown:
            _write(self.markdown, to_markdown(comparison).encode())
        if self.junit:
            _write(self.junit, to_junit(comparison))
        if self.job_summary:
            _write(self.job_summary, to_markdown(comparison).encode(), mode="ab")


def _write(path: Path, content: bytes, *, mode: Literal["wb", "ab"] = "wb") -> None:
    with told_if_unwritable(path, remedy=REMEDY), path.open(mode) as file:
        file.write(content)


def add_verdict_parser(
    commands: argparse._SubParsersAction[Any],
    name: str,
    *,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a command that gives verdicts: it says its exit statuses and has the options for its reports."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_outputs(parser)
    return parser


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that gives verdicts."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every verdict with all its figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report in Markdown")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")
    parser.add_argument(
        "--undecided-ok",
        action="store_true",
        help="exit with 0 instead of 3 where cases are too noisy to tell",
    )


def read_thresholds(texts: Sequence[str]) -> dict[str, float]:
    """Read [CASE=]PERCENT of each, in the order given; the empty part of a name fits every case.

    Raises:
        UsageError: one is no percentage, or none that a threshold can be.

    """
    thresholds: dict[str, float] = {}
    for text in texts:
        part, _, figure = text.rpartition("=")
        thresholds.pop(part, None)  # so that what is said last stands last
        try:
            thresholds[part] = float(figure.strip().removesuffix("%")) / 100
        except ValueError:
            message = f"--threshold: expected [CASE=]PERCENT, as in 'jax_scan=3.5', found {text!r}"
            raise UsageError(message) from None
        if not 0 < thresholds[part] < 1:
            message = f"--threshold: expected more than 0 and less than 100 %, found {text!r}"
            raise UsageError(message)
    return thresholds


def add_alpha(parser: argparse.ArgumentParser, rule: Rule) -> None:
    """Add the option that says how often a comparison may err."""
    parser.add_argument(
        "--alpha",
        type=float,
        default=rule.alpha,
        help="the largest probability of a single false alarm in the whole comparison; default: %(default)s",
    )


def add_rule(parser: argparse.ArgumentParser, rule: Rule) -> None:
    """Add the options that set the rule; its figures are the defaults."""
    add_alpha(parser, rule)
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="[CASE=]PERCENT",
        help="a smaller change of the median is none, as in '5' or 'jax_scan=3.5'; CASE is a part of a name "
        "of a case; repeatable, the last that fits a case counts; default: what calibration found, else "
        f"{rule.threshold * 100:g}",
    )
