"""One pytest session's measuring: which cases its options name, and the contest, run once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases.implementations import select
from benchmarks.cases.problems import name_of, parse_problem, replace_fields
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.records.row import Verdict
from benchmarks.records.run import Run, RunSettings
from benchmarks.runner.case import Case
from benchmarks.runner.git import git_commit
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.resume import ResumeFolder
from benchmarks.runner.rounds import Settings, run_rounds, sigterm_as_ctrl_c
from benchmarks.runner.system import choose_cpus, collect_provenance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rich.console import Console

    from benchmarks.pytest_plugin.options import Options
    from benchmarks.records.provenance import Provenance
    from benchmarks.runner.case import CaseResult
    from impls.contract import Precision, Problem

CaseKey = tuple[str, str, str]
"""A case's implementation, device and problem by name, as pytest's parameters spell them."""


def provenance_of(cases: Iterable[Case], cpus: tuple[int, ...]) -> Provenance:
    """Ask the system, and the checkouts in which implementations from elsewhere lie."""
    folders = {case.entry.path.resolve().parent for case in cases} - {IMPLEMENTATIONS}
    commits = {commit for folder in folders if (commit := git_commit(folder))}
    return replace(collect_provenance(cpus), commit_elsewhere=", ".join(sorted(commits)) or None)


@dataclass
class MeasuringSession:
    """The cases to measure and, once measured, their tallies."""

    options: Options
    cases: dict[CaseKey, Case]
    case_results: dict[CaseKey, CaseResult] = field(default_factory=dict)
    timed: bool = True
    interrupted: str | None = None  # by what
    provenance: Provenance | None = None  # None: not measured yet
    resume_folder: ResumeFolder | None = None  # of a run that can be resumed

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
        choose_cpus(options.cores)  # or say at once that there are too few
        problems = dict.fromkeys(read_problem(text, options.precision) for text in options.problem)
        cases = [
            Case(entry, device, problem)
            for problem in problems
            for device in options.devices
            for entry in entries
        ]
        return cls(options, {(c.entry.name, c.device, name_of(c.problem)): c for c in cases})

    def measure(self, keys: Collection[CaseKey], *, timed: bool, console: Console) -> None:
        """Run the contest over these cases; without `timed`, run and verify each just once."""
        cpus = choose_cpus(self.options.cores)
        self.timed, self.provenance = timed, provenance_of(self.cases.values(), cpus)
        settings = Settings(
            rounds=self.options.rounds if timed else 0,
            worker_timeout_s=self.options.worker_timeout_s,
            max_time_s=self.options.max_time_s,
            cpus=cpus,
        )
        chosen = [key for key in self.cases if key in keys]
        cases = [self.cases[key] for key in chosen]
        if timed and self.options.resume:
            # Whatever the budget is, what was measured is the same.
            self.resume_folder = ResumeFolder.of((cases, replace(settings, max_time_s=None)), self.provenance)
            if self.resume_folder.n_workers:
                console.print(
                    f"going on with a run of which {self.resume_folder.n_workers} workers had begun"
                )
        with (
            tempfile.TemporaryDirectory(prefix="perceptron-bench-") as temporary,
            RoundsProgress(console, max_time_s=settings.max_time_s) as shown,
            sigterm_as_ctrl_c(),
        ):
            folder = self.resume_folder.folder if self.resume_folder else Path(temporary)
            case_results, self.interrupted = run_rounds(cases, settings, folder, shown)
        self.case_results = dict(zip(chosen, case_results, strict=True))

    def close(self, *, recorded: bool) -> None:
        """Forget the journal of a run that came to its end and is recorded; keep any other, to go on with."""
        if self.resume_folder is None:
            return
        if recorded and self.case_results and not self.interrupted and not self.lacks_rounds:
            self.resume_folder.discard()
        else:
            self.resume_folder.release()

    @property
    def lacks_rounds(self) -> bool:
        """Say whether the time was up before all rounds were."""
        timed = [
            row for row in (case_result.row() for case_result in self.case_results.values()) if row.is_timed
        ]
        return any(len(row.processes) < self.options.rounds for row in timed)

    @property
    def measured_nothing(self) -> bool:
        """Say whether cases were to be measured and not one could be."""
        verdicts = {case_result.row().verdict for case_result in self.case_results.values()}
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
            rows=tuple(case_result.row() for case_result in self.case_results.values()),
            provenance=self.provenance,
            settings=RunSettings(
                suite=self.options.suite,
                rounds=self.options.rounds if self.timed else 0,
                timed=self.timed,
                quick=self.options.quick,
                interrupted=self.interrupted,
                baseline=self.options.baseline,
            ),
        )


def read_problem(text: str, precision: Precision | None) -> Problem:
    """Read a problem, in this precision if one is given.

    Raises:
        UsageError: there is no such problem, or none in this precision.

    """
    problem = parse_problem(text)
    if precision is None:
        return problem
    try:
        return replace_fields(problem, [f"precision={precision}"])
    except UsageError as error:
        message = f"--precision does not fit {text}: {error}; name problems that it fits with --problem"
        raise UsageError(message) from None
