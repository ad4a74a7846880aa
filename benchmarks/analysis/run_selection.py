"""Which of several runs that measured the same group is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.analysis.figures import rows_by_group
from benchmarks.cases.code_digest import same_code
from benchmarks.cases.problems import NAMED
from benchmarks.records.machine import Machine
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run


@dataclass(frozen=True)
class Candidate:
    """A run and its rows of one group, by implementation."""

    run: Run
    rows: Mapping[str, Row]

    @cached_property
    def rank(self) -> tuple[bool, bool]:
        """Return whether the run has times and was no quick look, and whether it has times."""
        n_rounds, _ = self.thoroughness
        return n_rounds > 0 and not self.run.settings.quick, n_rounds > 0

    @cached_property
    def thoroughness(self) -> tuple[int, int]:
        """Return the rounds that all timed rows have, and the number of implementations that were tried."""
        n_rounds = min((len(row.processes) for row in self.rows.values() if row.is_timed), default=0)
        return n_rounds, len(self.tried)

    @cached_property
    def tried(self) -> set[str]:
        """Return the implementations that could run here."""
        return {name for name, row in self.rows.items() if row.verdict is not Verdict.NOT_MEASURED}

    def has_code_of(self, other: Candidate) -> bool:
        """Check whether both measured the same code in the same versions.

        The digests of the implementations that both tried are compared. If digests are missing or of two
        algorithms, or if both tried no implementation in common, the commits are compared.
        """
        at, there = self.run.provenance, other.run.provenance
        both = self.tried & other.tried
        found = {same_code(self.rows[name].code_digest, other.rows[name].code_digest) for name in both}
        is_same = at.commit == there.commit if not found or None in found else all(found)
        return is_same and at.versions == there.versions


def headline_groups(runs: Sequence[Run]) -> dict[Machine, dict[str, Run]]:
    """Return the run that is shown of each group, by machine; the newest run's machine is the first.

    Interrupted runs don't decide the order of machines. Within a machine, named problems come first. A quick
    look, or a run without times in the group, is shown only if there is no other run. Of the other runs, only
    those with the newest one's code and versions are considered. The run with the most rounds is shown, then
    the one that tried the most implementations, then the newest.
    """
    newest_first = sorted(runs, key=lambda run: run.provenance.date, reverse=True)
    whole_first = sorted(newest_first, key=lambda run: run.settings.interrupted is not None)
    candidates: dict[Machine, dict[str, list[Candidate]]] = {
        Machine.of(run): defaultdict(list) for run in whole_first
    }
    for run in newest_first:
        for group, rows in rows_by_group(run).items():
            candidates[Machine.of(run)][group].append(Candidate(run, rows))
    return {
        machine: {group: _shown_run(groups[group]) for group in sorted(groups, key=_named_first)}
        for machine, groups in candidates.items()
        if groups
    }


def _shown_run(newest_first: Sequence[Candidate]) -> Run:
    rank = max(candidate.rank for candidate in newest_first)
    newest, *others = (candidate for candidate in newest_first if candidate.rank == rank)
    current = [newest, *(candidate for candidate in others if candidate.has_code_of(newest))]
    return max(current, key=lambda candidate: candidate.thoroughness).run


def _named_first(group: str) -> tuple[int, str]:
    names = list(NAMED)
    name = group.partition("-")[0]
    return names.index(name) if name in names else len(names), group
