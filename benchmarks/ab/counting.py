"""`ab --metric instructions`: what can be counted, and what its report says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.ab.instructions import NoCounter, make_counter
from benchmarks.records.run import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.ab.pairs import Matchup

COUNTED = """\
interleaved fresh processes under valgrind's callgrind, the sides in alternating order; of each process the \
instructions of an epoch, the mean over at least {n_epochs}; of the pairs' log-ratios the median; slower \
means beyond the threshold, and no pair to the contrary"""

COUNTING_NOTE = """\
instructions, not time: what waits or misses a cache does not show; and valgrind knows no AVX-512, so they \
are those of the code that the libraries choose without it"""


def make_ready(matchups: Iterable[Matchup], folder: Path) -> Path | None:
    """Give the library that workers count by, made in the folder; rule out what can't be counted."""
    counter = make_counter(folder)
    for tally in [tally for matchup in matchups for tally in matchup.tallies.values()]:
        if isinstance(counter, NoCounter):
            tally.rule_out(Verdict.NOT_MEASURED, counter.reason)
        elif tally.case.device != "cpu":
            tally.rule_out(Verdict.NOT_MEASURED, "valgrind counts the instructions of CPUs only")
    return None if isinstance(counter, NoCounter) else counter
