"""Runs the comparisons that docs/faq.md proposes, as it proposes them, and keeps what they find.

    python -m benchmarks.studies.faq [NAME…]

Each of them changes one thing in an implementation and asks `ab` what that does. Its name is that of the file
that it makes; the reports go to results/faq/. Ten minutes or so.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from benchmarks.errors import unknown_name
from benchmarks.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

FAQ = ROOT / "docs" / "faq.md"
FOUND = ROOT / "results" / "faq"
MADE = re.compile(r"^sed .* > (\w+)\.py$", re.MULTILINE)

SHELL = """\
perceptron-bench() { "$PYTHON" -m benchmarks "$@" --undecided-ok --json "$JSON" --markdown "$MARKDOWN"; }
"""
"""What a proposal's commands mean here: those of this checkout, and what they find is kept."""


JUDGED = (0, 1)
"""Exit statuses of `ab` where it could tell, or could not see a difference."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proposals, or those named; give 0 where each of them got a verdict, whichever it was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    found = proposals(FAQ.read_text(encoding="utf-8"))
    names = parser.parse_args(arguments).names or list(found)
    for name in names:
        if name not in found:
            sys.stderr.write(f"{unknown_name(name, found, kind='proposal')}\n")
            return 4
    FOUND.mkdir(parents=True, exist_ok=True)
    statuses = [run(found[name], name) for name in names]
    return 0 if set(statuses) <= set(JUDGED) else 1


def proposals(page: str) -> dict[str, str]:
    """Give the page's blocks of shell that change an implementation and compare it, by its new name."""
    blocks = [token.content for token in MarkdownIt().parse(page) if token.type == "fence"]
    blocks = [block for block in blocks if "\nperceptron-bench ab " in block]
    return {made[1]: block for block in blocks if (made := MADE.search(block))}


def run(lines: str, name: str) -> int:
    """Run a proposal in a folder of its own and give `ab`'s exit status."""
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder:
        for package in ("benchmarks", "impls"):
            Path(folder, package).symlink_to(ROOT / package)
        return subprocess.run(  # noqa: S603 - our own page
            [shutil.which("bash") or "bash", "-euc", SHELL + lines],
            cwd=folder,
            env=os.environ
            | {"PYTHON": sys.executable, "JSON": f"{FOUND / name}.json", "MARKDOWN": f"{FOUND / name}.md"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
