"""The options of the commands that give verdicts, and their exit statuses."""

from __future__ import annotations

from benchmarks.cli.parser import Parser, add_alpha, add_argument, add_path
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID, REGRESSION, UNDECIDED
from benchmarks.compare.rule import Rule

VERDICT_STATUSES = {
    FINE: "no case is slower",
    REGRESSION: "a case is slower",
    INTERRUPTED: "the comparison was interrupted",
    UNDECIDED: "a case is too noisy to decide; none is slower, missing or INVALID",
    MISSING_OR_INVALID: "a case is missing, INVALID or FAILED; none is slower",
}

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
