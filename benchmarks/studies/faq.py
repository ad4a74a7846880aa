"""Runs the comparisons that docs/faq.md proposes, and keeps their reports.

    python -m benchmarks.studies.faq [NAME…]

Each comparison changes one thing in an implementation and measures the effect with `ab`. Its name is that of
the file that it makes. The reports are written to results/faq/. Takes about ten minutes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from benchmarks.errors import unknown_name
from benchmarks.paths import CODE
from benchmarks.studies.findings import run_study, study_parser

FAQ = CODE / "docs" / "faq.md"
FOUND = CODE / "results" / "faq"
MADE = re.compile(r"^sed .* > (\w+)\.py$", re.MULTILINE)

SHELL = """\
perceptron-bench() { "$PYTHON" -m benchmarks "$@" --undecided-ok --json "$JSON" --markdown "$MARKDOWN"; }
"""
"""Lets a proposal's commands run in this checkout, and keep their reports."""

WITH_VERDICT = {0, 1}
"""Exit statuses of `ab` after a verdict on every case."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proposals, or the named ones; return 0 if each of them got a verdict."""
    parser = study_parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    return run_study(parser, _compare, arguments)


def _compare(parsed: argparse.Namespace) -> int:
    found = proposals(FAQ.read_text(encoding="utf-8"))
    for name in parsed.names:
        if name not in found:
            raise unknown_name(name, found, kind="proposal")
    FOUND.mkdir(parents=True, exist_ok=True)
    statuses = {run(found[name], name) for name in parsed.names or found}
    return 0 if statuses <= WITH_VERDICT else 1


def proposals(page: str) -> dict[str, str]:
    """Return the page's blocks of shell that change an implementation and compare it, by its new name."""
    blocks = [token.content for token in MarkdownIt().parse(page) if token.type == "fence"]
    compared = [block for block in blocks if "\nperceptron-bench ab " in block]
    return {made[1]: block for block in compared if (made := MADE.search(block))}


def run(lines: str, name: str) -> int:
    """Run a proposal in a new folder and return the exit status of `ab`."""
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder:
        for package in ("benchmarks", "impls"):
            Path(folder, package).symlink_to(CODE / package)
        return subprocess.run(  # noqa: S603 - a shell that runs the commands of our own page
            [shutil.which("bash") or "bash", "-euc", SHELL + lines],
            cwd=folder,
            env=os.environ
            | {"PYTHON": sys.executable, "JSON": f"{FOUND / name}.json", "MARKDOWN": f"{FOUND / name}.md"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
