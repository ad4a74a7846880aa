"""The files to which the commands that give verdicts write them, and the thresholds that they are given."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console

from benchmarks.compare.result import Comparison
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_write, write_named
from benchmarks.paths import real_path
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import print_comparison, to_markdown

JOB_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable by which GitHub names the file that it shows as a job's summary."""

RENDERED: dict[str, Callable[[Comparison], str | bytes]] = {
    "json": Comparison.to_json,
    "markdown": to_markdown,
    "junit": to_junit,
}


@dataclass(frozen=True)
class Outputs:
    """The files to which a comparison's report goes, in addition to the terminal."""

    files: Mapping[str, Path]  # by the format, one of RENDERED
    job_summary: Path | None = None  # of a GitHub workflow; its other steps write there, too

    @classmethod
    def of(cls, parsed: argparse.Namespace, *, inputs: Sequence[Path] = ()) -> Self:
        """Return the files that the user named; check before measuring that they can be written.

        Raises:
            UsageError: one of them can't be written, two are the same, or one is an input.
        """
        files = {each: path for each in RENDERED if (path := getattr(parsed, each))}
        job_summary = Path(name) if (name := os.environ.get(JOB_SUMMARY)) else None
        outputs = [*files.values(), *([job_summary] if job_summary else [])]
        resolved = [*map(real_path, outputs)]
        for path in outputs:
            if (n_times := resolved.count(real_path(path))) > 1:
                message = f"{path}: expected one report for each file, found {n_times}"
                raise UsageError(message)
            if real_path(path) in map(real_path, inputs):
                message = f"{path}: expected another file for a report, found a record that is to be compared"
                raise UsageError(message)
        for path in files.values():
            with explain_refusal(path, remedy="name another file"):
                try_to_write(path)
        return cls(files, _writable(job_summary) if job_summary else None)

    def report(self, comparison: Comparison, console: Console) -> bool:
        """Write the reports, then print them, for the terminal may be gone; return as `write` does."""
        written = self.write(comparison)
        print_comparison(comparison, console)
        return written

    def write(self, comparison: Comparison) -> bool:
        """Write the reports, append to the job summary, and return whether all of them could be written.

        Warn of each that could not: the verdict and its exit status are the same without it.
        """
        targets = [(str(path), path, write_named, each) for each, path in self.files.items()]
        if self.job_summary:
            targets.append((f"{JOB_SUMMARY}={self.job_summary}", self.job_summary, _append, "markdown"))
        written = True
        for name, path, put, form in targets:
            try:
                put(path, RENDERED[form](comparison))
            except OSError as error:
                _warn(name, error)
                written = False
        return written


def _append(path: Path, content: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))


def _writable(job_summary: Path) -> Path | None:
    """Return the file, or None after a warning: the user did not name it, so it prevents no comparison."""
    try:
        try_to_write(job_summary)
    except OSError as error:
        _warn(f"{JOB_SUMMARY}={job_summary}", error)
        return None
    return job_summary


def _warn(name: str, error: OSError) -> None:
    sys.stderr.write(f"warning: {name}: can't be written ({error.strerror})\n")


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
