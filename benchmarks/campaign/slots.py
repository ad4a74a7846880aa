"""A suite's problems → slots: each is measured by one `run`, with all implementations, on one node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.records.row import Verdict
from benchmarks.records.run import Run, read_run

WRONG = (Verdict.INVALID, Verdict.FAILED)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A part of the suite that stays together, so that all sides of a ratio are measured on one node."""

    number: int  # from 1
    problems: Sequence[str]
    options: Sequence[str]  # of `run`, --resume among them: the same for all slots
    folder: Path  # of the campaign

    @property
    def record(self) -> Path:
        """Return the file of its record."""
        return self.folder / f"slot-{self.number}.json"

    @property
    def job_file(self) -> Path:
        """Return the file with the number of its latest job."""
        return self.folder / f"slot-{self.number}.job"

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of perceptron-bench that measure it, and resume what was killed."""
        named = [f"--problem={problem}" for problem in self.problems]
        return ["run", *self.options, *named, f"--output={self.record}"]

    @property
    def description(self) -> str:
        """Return its number and its problems."""
        others = f" to {self.problems[-1]}" if len(self.problems) > 1 else ""
        return f"slot {self.number} ({self.problems[0]}{others})"

    def read(self) -> Run | None:
        """Return what was measured; None: no record can be read."""
        try:
            return read_run(self.record)
        except UsageError:
            return None

    @property
    def is_done(self) -> bool:
        """Return whether its run came to its own end."""
        run = self.read()
        return run is not None and run.settings.interrupted is None


def slots_of(
    groups: Sequence[Sequence[str]], n_slots: int, options: Sequence[str], folder: Path
) -> list[Slot]:
    """Divide groups of problems into at most `n_slots` slots: neighbours together, as equal as can be."""
    n_slots = min(n_slots, len(groups))
    ends = [len(groups) * i // n_slots for i in range(n_slots + 1)]
    parts = [[*chain.from_iterable(groups[begin:end])] for begin, end in pairwise(ends)]
    return [
        Slot(number=i, problems=part, options=options, folder=folder) for i, part in enumerate(parts, start=1)
    ]


def has_wrong(slot: Slot) -> bool:
    """Return whether a case of the slot is INVALID or FAILED."""
    run = slot.read()
    return run is not None and any(row.verdict in WRONG for row in run.rows)


def describe(run: Run) -> str:
    """Describe a record in words: "12 cases, 1 INVALID"."""
    wrong = [(verdict, sum(row.verdict is verdict for row in run.rows)) for verdict in WRONG]
    cases = "1 case" if len(run.rows) == 1 else f"{len(run.rows)} cases"
    counts = [cases, *(f"{n} {verdict}" for verdict, n in wrong if n)]
    return ", ".join([*counts, *(["interrupted"] if run.settings.interrupted else [])])
