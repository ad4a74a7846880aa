"""One pytest session's measuring: which cases its options name, and the contest, run once."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contest import Case, Settings, run_contest
from benchmarks.discover import select
from benchmarks.environment import Provenance, choose_cpus
from benchmarks.errors import UsageError, unknown_name
from benchmarks.problems import NAMED, name_of, parse_problem
from benchmarks.progress import ContestProgress
from benchmarks.record import Run, RunSettings, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rich.console import Console

    from benchmarks.contest import Tally
    from benchmarks.options import Options

CaseKey = tuple[str, str, str]
"""A case's implementation, device and problem by name, as pytest's parameters spell them."""


@dataclass
class MeasuringSession:
    """The cases to measure and, once measured, their tallies."""

    options: Options
    cases: dict[CaseKey, Case]
    tallies: dict[CaseKey, Tally] = field(default_factory=dict)
    timed: bool = True
    interrupted: str | None = None  # by what
    provenance: Provenance | None = None  # None: not measured yet

    @classmethod
    def of(cls, options: Options) -> MeasuringSession:
        """Find the cases that the options name.

        Raises:
            UsageError: the options name something unknown, or two implementations alike.

        """
        entries = dict.fromkeys(select(options.impl))
        names = [entry.name for entry in entries]
        if twice := {name for name in names if names.count(name) > 1}:
            message = f"--impl: two files for {', '.join(sorted(twice))}; rename one"
            raise UsageError(message)
        if options.baseline not in {*names, *(entry.name for entry in select(()))}:
            raise unknown_name(options.baseline, names, kind="baseline")
        problems = [parse_problem(text) for text in options.problem] or list(NAMED.values())
        cases = [
            Case(entry, device, problem)
            for problem in problems
            for device in options.devices
            for entry in entries
        ]
        return cls(options, {(c.entry.name, c.device, name_of(c.problem)): c for c in cases})

    def measure(self, keys: Collection[CaseKey], *, timed: bool, console: Console) -> None:
        """Run the contest over these cases; without `timed`, run and verify each just once."""
        cpus = choose_cpus(1)
        self.timed, self.provenance = timed, Provenance.collect(cpus)
        settings = Settings(
            rounds=self.options.rounds if timed else 1,
            sample_s=Settings.sample_s if timed else 0.0,
            time_limit_s=self.options.time_limit_s,
            cpus=cpus,
        )
        chosen = [key for key in self.cases if key in keys]
        cases = [self.cases[key] for key in chosen]
        with (
            tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder,
            ContestProgress(console) as shown,
            _sigterm_as_ctrl_c(),
        ):
            tallies, self.interrupted = run_contest(cases, settings, Path(folder), shown)
        self.tallies = dict(zip(chosen, tallies, strict=True))

    @property
    def measured_nothing(self) -> bool:
        """Say whether cases were to be measured and not one could be."""
        verdicts = {tally.row().verdict for tally in self.tallies.values()}
        return verdicts == {Verdict.NOT_MEASURED}

    def run(self) -> Run:
        """Give the record of what was measured.

        Raises:
            ValueError: nothing has been measured yet.

        """
        if self.provenance is None:
            message = "expected a measured session, found one that is still to measure"
            raise ValueError(message)
        return Run(
            rows=tuple(tally.row() for tally in self.tallies.values()),
            provenance=self.provenance,
            settings=RunSettings(
                rounds=self.options.rounds if self.timed else 1,
                timed=self.timed,
                quick=self.options.quick,
                interrupted=self.interrupted,
                baseline=self.options.baseline,
            ),
        )


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let a polite kill, as from a CI system that has lost patience, keep what was measured."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
