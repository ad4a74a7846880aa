"""Of several runs that measured the same group: which one speaks for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.analysis.figures import rows_by_group
from benchmarks.cases.code_digest import same_code
from benchmarks.cases.problems import NAMED
from benchmarks.records.machine import Machine
from benchmarks.records.row import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run


@dataclass(frozen=True)
class Candidate:
    """A run and its rows of one group, by implementation."""

    run: Run
    rows: Mapping[str, Row]

    @cached_property
    def ability(self) -> tuple[bool, bool]:
        """Say whether it can speak at all, and whether it has times."""
        return self.thoroughness[0] > 0 and not self.run.settings.quick, self.thoroughness[0] > 0

    @cached_property
    def thoroughness(self) -> tuple[int, int]:
        """Count the rounds of all its timed rows, and the implementations that were tried."""
        n_rounds = min((len(row.processes) for row in self.rows.values() if row.is_timed), default=0)
        return n_rounds, len(self.tried)

    @cached_property
    def tried(self) -> set[str]:
        """Name the implementations that were not ruled out beforehand."""
        return {name for name, row in self.rows.items() if row.verdict is not Verdict.NOT_MEASURED}

    def is_of_the_code_of(self, other: Candidate) -> bool:
        """Say whether both measured the same code in the same versions.

        The digests of the implementations that both tried are compared. Where digests are missing or of
        two algorithms, or no implementation was tried by both, the commits are compared instead.
        """
        at, there = self.run.provenance, other.run.provenance
        both = self.tried & other.tried
        found = {same_code(self.rows[name].code_digest, other.rows[name].code_digest) for name in both}
        is_same = at.commit == there.commit if not found or None in found else all(found)
        return is_same and at.versions == there.versions


def headline_groups(runs: Sequence[Run]) -> dict[Machine, dict[str, Run]]:
    """Say which run speaks for each group, by site; the site of the newest run and named problems come first.

    A run that was interrupted brings its site no place before others.

    A quick look, or a run without times in the group, speaks only where no other can. Of the others only
    those can that measured the newest one's code and versions; of these it is the one with the most rounds,
    of these the one that tried the most implementations, of these the newest.
    """
    newest_first = sorted(runs, key=lambda run: run.provenance.date, reverse=True)
    candidates: dict[Machine, dict[str, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for run in newest_first:
        for group, rows in rows_by_group(run).items():
            candidates[Machine.of(run)][group].append(Candidate(run, rows))
    whole_first = sorted(newest_first, key=lambda run: run.settings.interrupted is not None)
    return {
        site: {
            group: _shown_run(candidates[site][group]) for group in sorted(candidates[site], key=_named_first)
        }
        for site in dict.fromkeys(map(Machine.of, whole_first))
        if site in candidates
    }


def _shown_run(newest_first: Sequence[Candidate]) -> Run:
    ability = max(candidate.ability for candidate in newest_first)
    newest, *others = (candidate for candidate in newest_first if candidate.ability == ability)
    current = [newest, *(candidate for candidate in others if candidate.is_of_the_code_of(newest))]
    return max(current, key=lambda candidate: candidate.thoroughness).run


def _named_first(group: str) -> tuple[int, str]:
    names = list(NAMED)
    name = group.partition("-")[0]
    return names.index(name) if name in names else len(names), group
