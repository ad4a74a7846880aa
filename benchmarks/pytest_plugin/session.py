"""The measuring of one pytest session: the cases that its options name, and their rounds."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from rich.console import Console

from benchmarks.cases.implementations import is_known, select
from benchmarks.cases.places import left_out, places_of, require_spanning
from benchmarks.cases.problems import name_of, parse_problem, replace_fields
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.pytest_plugin.options import Options
from benchmarks.records.provenance import Provenance
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run, RunSettings
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.git import git_commit
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.resume import ResumeFolder
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.signals import held
from benchmarks.runner.system import choose_cpus, collect_provenance
from impls.contract import Precision, Problem

CaseKey = tuple[str, str, str, str]
"""A case's implementation, device, problem and place by name, as pytest's parameters spell them."""


@dataclass
class MeasuringSession:
    """The cases to measure, and their results once they are measured."""

    options: Options
    cases: dict[CaseKey, Case]
    left_out: Sequence[str] = ()  # lines that name the implementations without a case on several ranks
    chosen: dict[CaseKey, Case] = field(default_factory=dict)  # that -k and the like have left
    case_results: dict[CaseKey, CaseResult] = field(default_factory=dict)
    settings: Settings | None = None  # None: not claimed yet, as is the provenance
    provenance: Provenance | None = None
    interrupted: str | None = None  # by what
    resume_folder: ResumeFolder | None = None
    has_begun: bool = False
    until_written: ExitStack = field(default_factory=ExitStack)  # holds signals back

    @classmethod
    def of(cls, options: Options) -> MeasuringSession:
        """Find the cases that the options name.

        Raises:
            UsageError: the options name something unknown, or two implementations with one name.
        """
        ranks = options.ranks or (1,)
        n_cores = max(1, len(choose_cpus(options.cores, max(ranks))) // max(ranks))
        entries = dict.fromkeys(select(options.impl or options.chosen.impls))
        if max(ranks) > 1 and not options.impl:
            entries |= dict.fromkeys(entry for entry in select(()) if entry.spans_ranks)
        require_spanning([*entries], ranks)
        names = [entry.name for entry in entries]
        if twice := {name for name in names if names.count(name) > 1}:
            message = f"--impl: two files for {', '.join(sorted(twice))}; rename one"
            raise UsageError(message)
        if options.baseline not in names and not is_known(options.baseline):
            raise unknown_name(options.baseline, names, kind="baseline")
        texts = options.problem or options.chosen.problems
        problems = dict.fromkeys(read_problem(text, options.precision) for text in texts)
        cases = [
            Case(entry, device, problem, n_cores=n, n_ranks=n_ranks)
            for problem, device, entry in product(problems, options.devices, entries)
            for n_ranks, n in places_of(entry, ranks, n_cores)
        ]
        return cls(options, {key_of(case): case for case in cases}, left_out(entries, ranks))

    def claim(self, keys: Collection[CaseKey], *, timed: bool) -> None:
        """Settle what is measured, and lock the resume folder; without `timed`, cases are only verified.

        Raises:
            UsageError: this run is already in progress, or the folder can't be made.
        """
        n_ranks = max(self.options.ranks or (1,))
        cpus = choose_cpus(self.options.cores, n_ranks)
        self.settings = settings = self.options.settings(cpus, timed=timed)
        provenance = collect_provenance(cpus, n_ranks=n_ranks)
        self.chosen = {key: case for key, case in self.cases.items() if key in keys}
        if timed and (self.options.resume or self.options.chosen.resumes):
            # A resumed run may have another time limit: what was measured is the same.
            identity = (list(self.chosen.values()), replace(settings, max_time_s=None))
            self.resume_folder = ResumeFolder.of(identity, provenance)
        self.provenance = with_commits(provenance, self.cases.values())  # it may warn, so it is last

    def measure(self, settings: Settings, console: Console) -> None:
        """Run the rounds. From here on a signal ends the rounds only, so that the record is written."""
        self.has_begun = True
        for line in self.left_out:
            console.print(line)
        if settings.rounds:
            self.until_written.enter_context(held())
        if self.resume_folder and (n_workers := self.resume_folder.n_workers):
            console.print(f"resuming: {n_workers} worker{'s' * (n_workers > 1)} of this run had started")
        with (
            tempfile.TemporaryDirectory(prefix="perceptron-bench-", ignore_cleanup_errors=True) as temporary,
            RoundsProgress(console, max_time_s=settings.max_time_s) as progress,
        ):
            folder = self.resume_folder.folder if self.resume_folder else Path(temporary)
            case_results, self.interrupted = run_rounds([*self.chosen.values()], settings, folder, progress)
            self.case_results = dict(zip(self.chosen, case_results, strict=True))

    def close(self, *, recorded: bool) -> None:
        """Remove the resume folder if the run is complete and recorded; else keep it for the next call."""
        self.until_written.close()
        if self.resume_folder is None:
            return
        if recorded and self.is_complete:
            self.resume_folder.discard()
        else:
            self.resume_folder.release()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return what was measured, a row for each case."""
        return tuple(case_result.row() for case_result in self.case_results.values())

    @property
    def is_complete(self) -> bool:
        """Return whether every timed case has all its rounds."""
        rounds = self.settings.rounds if self.settings else 0
        timed = [row for row in self.rows if row.is_timed]
        all_there = all(len(row.processes) >= rounds for row in timed)
        return bool(self.case_results) and not self.interrupted and all_there

    @property
    def has_measured(self) -> bool:
        """Return whether there is anything to record."""
        return any(row.verdict is not Verdict.NOT_MEASURED for row in self.rows)

    @property
    def measured_nothing(self) -> bool:
        """Return whether cases were to be measured and not one could be."""
        return {row.verdict for row in self.rows} == {Verdict.NOT_MEASURED}

    def run(self) -> Run:
        """Return the record of what was measured.

        Raises:
            ValueError: nothing has been measured yet.
        """
        if self.provenance is None or self.settings is None:
            message = "expected a session that has measured, found one that has not"
            raise ValueError(message)
        return Run(
            rows=self.rows,
            provenance=self.provenance,
            settings=RunSettings(
                suite=self.options.suite_name,
                rounds=self.settings.rounds,
                timed=self.settings.rounds > 0,
                quick=self.options.quick,
                interrupted=self.interrupted,
                baseline=self.options.baseline,
            ),
        )


def key_of(case: Case) -> CaseKey:
    """Return the key of a case."""
    return case.entry.name, case.device, name_of(case.problem), case.place


def with_commits(provenance: Provenance, cases: Iterable[Case]) -> Provenance:
    """Add the commits of the cases' implementations from other folders."""
    folders = {case.entry.path.resolve().parent for case in cases} - {IMPLEMENTATIONS}
    commits = {commit for folder in folders if (commit := git_commit(folder))}
    return replace(provenance, commit_elsewhere=", ".join(sorted(commits)) or None)


def read_problem(text: str, precision: Precision | None) -> Problem:
    """Read a problem, in this precision if one is given.

    Raises:
        UsageError: there is no such problem, or it does not exist in this precision.
    """
    problem = parse_problem(text)
    if precision is None:
        return problem
    try:
        return replace_fields(problem, [f"precision={precision}"])
    except UsageError as error:
        message = f"--precision does not fit {text}: {error}; name problems that it fits with --problem"
        raise UsageError(message) from None
