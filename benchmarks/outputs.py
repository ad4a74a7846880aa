"""Where the verdicts of `ab` and `compare` go besides the terminal; the options both commands share."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.comparison_report import to_markdown
from benchmarks.errors import UsageError
from benchmarks.junit import to_junit

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from benchmarks.comparison import Comparison
    from benchmarks.decision import Rule


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where a comparison's report goes besides the terminal."""

    json: Path | None
    markdown: Path | None
    junit: Path | None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Self:
        """Take what the user named, and find out before measuring whether it can be written.

        Raises:
            UsageError: one of them can't be, or two are the same.

        """
        outputs = cls(json=parsed.json, markdown=parsed.markdown, junit=parsed.junit)
        named = [path for path in vars(outputs).values() if path]
        for path in named:
            if named.count(path) > 1:
                message = f"{path}: expected one report for each file, found {named.count(path)}"
                raise UsageError(message)
            with _told(path):
                _try_to_write(path)
        return outputs

    def write(self, comparison: Comparison) -> None:
        """Write what was asked for; append to the job summary of a workflow of GitHub's, where there is one.

        Raises:
            UsageError: one of them can't be written.

        """
        texts = {
            self.json: comparison.to_json().encode(),
            self.markdown: to_markdown(comparison).encode(),
            self.junit: to_junit(comparison),
        }
        for path, text in texts.items():
            if path:
                with _told(path):
                    path.write_bytes(text)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with _told(Path(summary)), Path(summary).open("a", encoding="utf-8") as file:
                file.write(to_markdown(comparison))


def _try_to_write(path: Path) -> None:
    """Open it as a writer would, and leave everything as it was but for the folder, which is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_there = os.path.lexists(path)
    with path.open("a" if is_there else "x", encoding="utf-8"):
        pass
    if not is_there:
        path.unlink()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror}); name another file"
        raise UsageError(message) from None


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
    """Read [CASE=]PERCENT of each; the empty part of a name fits every case.

    Raises:
        UsageError: one is no percentage.

    """
    thresholds = {}
    for text in texts:
        part, _, figure = text.rpartition("=")
        try:
            thresholds[part] = float(figure.strip().removesuffix("%")) / 100
        except ValueError:
            message = f"--threshold: expected [CASE=]PERCENT, as in 'jax_scan=3.5', found {text!r}"
            raise UsageError(message) from None
    return thresholds


def add_rule(parser: argparse.ArgumentParser, rule: Rule) -> None:
    """Add the options that set the rule; its figures are the defaults."""
    parser.add_argument(
        "--alpha",
        type=float,
        default=rule.alpha,
        help="the largest probability of a single false alarm in the whole comparison; default: %(default)s",
    )
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="[CASE=]PERCENT",
        help="a smaller change of the median is none, as in '5' or 'jax_scan=3.5'; CASE is a part of a name "
        f"of a case; repeatable; default: what calibration found, else {rule.threshold * 100:g}",
    )
