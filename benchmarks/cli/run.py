"""The command `run`: measure, keep the record, write the report."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.markup import escape

from benchmarks.cli.parser import DEFECT
from benchmarks.cli.report import report_locally
from benchmarks.files import explain_refusal, keep, try_to_replace
from benchmarks.paths import CODE, LOCAL, LOCAL_RUNS, LOOKS, real_path
from benchmarks.pytest_plugin import hooks
from benchmarks.pytest_plugin.options import Options, read
from benchmarks.records.compact import to_json
from benchmarks.runner.signals import uninterrupted
from benchmarks.terminal import Terminal

WITHOUT_RECORD: dict[int, str] = {
    pytest.ExitCode.TESTS_FAILED: "no record written: nothing could be measured\n",
    pytest.ExitCode.INTERRUPTED: "no record written: nothing had been measured\n",
    pytest.ExitCode.NO_TESTS_COLLECTED: "nothing was measured: no case matches\n",
}


def run(parsed: argparse.Namespace) -> int:
    """Measure through pytest, so that there is one way to measure and one format; then write the report.

    Raises:
        UsageError: the output can't be written.
    """
    options = read(Options, partial(getattr, parsed))
    output = output_of(parsed.output, options)
    console = Terminal(soft_wrap=True, highlight=False)
    with uninterrupted():  # except while it measures
        measured = Measured(options)
        status = measured.run(expression=parsed.k)
        record = measured.keep(output, is_new=parsed.output is None)
    if record is None:
        console.print(WITHOUT_RECORD.get(status, ""), end="")
        return status
    console.print(f"record: {escape(str(record))}")
    if is_shown(output):
        console.print(escape("\n".join(report_locally())))
    return status


def output_of(named: Path | None, options: Options) -> Path:
    """Return the file of the record, after a check that it and its report can be written.

    Raises:
        UsageError: one of them can't.
    """
    default = (LOOKS if options.quick else LOCAL_RUNS) / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.json"
    output = real_path(named or default)
    for path in [output, *([LOCAL / "README.md"] if is_shown(output) else [])]:
        with explain_refusal(path, remedy="name another file with -o"):
            try_to_replace(path)
    return output


def is_shown(output: Path) -> bool:
    """Return whether the report of the user's own runs shows this record."""
    return output.parent == LOCAL_RUNS.resolve()


class Measured:
    """A session of pytest that measures: a plugin that hands the options over and later writes the record."""

    def __init__(self, options: Options) -> None:
        """Keep the options until pytest is configured."""
        self.options = options
        self.config: pytest.Config | None = None

    @pytest.hookimpl(tryfirst=True)  # before our other plugin looks for them
    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand the options over, and the folder to which pytest returns: the user's may be gone by then."""
        config.stash[hooks.GIVEN] = self.options
        config.invocation_params = replace(config.invocation_params, dir=CODE)
        self.config = config

    def run(self, *, expression: str) -> int:
        """Measure; return pytest's exit status."""
        arguments = [
            *("--pyargs", "benchmarks.bench_epoch", f"--rootdir={CODE}"),  # pytest allows no [ in a path
            *(f"--config-file={os.devnull}", "--override-ini=python_functions=bench_*"),  # anywhere alike
            *("--noconftest", "--disable-plugin-autoload", "-pbenchmark", "-pno:cacheprovider"),
            "-pno:warnings",
            *("--benchmark-only", f"--benchmark-storage=file://{os.devnull}"),  # it would make a folder
            *(f"-k={expression}", "--quiet", "--no-header"),
        ]
        with pytest.MonkeyPatch.context() as environment, _same_folder():
            for name in [name for name in os.environ if name.startswith("PYTEST_")]:
                environment.delenv(name)  # options and plugins for the user's own tests
            status = pytest.main(arguments, plugins=[hooks, self])
        return DEFECT if status == pytest.ExitCode.INTERNAL_ERROR else status

    def keep(self, output: Path, *, is_new: bool) -> Path | None:
        """Write the record and return its path; None: nothing was measured.

        Raises:
            UsageError: it can't be written there; the message says where it is.
        """
        session = self.config.stash.get(hooks.SESSION, None) if self.config else None
        if self.config is None or session is None:
            return None
        record = None
        try:
            if session.has_measured:
                record = keep(to_json(hooks.document_of(self.config)), output, is_new=is_new)
        finally:
            session.close(recorded=record is not None)
        return record


@contextlib.contextmanager
def _same_folder() -> Iterator[None]:
    """Return to the current folder after the block, if it is still there."""
    before = Path.cwd()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(before)
