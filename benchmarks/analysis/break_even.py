"""After how many epochs a dearer first call has paid off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from benchmarks.cases.problems import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.records.row import Row
    from impls.contract import Device, Problem


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """The faster implementation costs more at first; from so many epochs on, its training takes less time."""

    problem: str
    device: Device
    n_cores: int
    faster: str
    slower: str
    n_epochs_cold: int | None  # with empty disk caches; None: never, or not known
    n_epochs_warm: int | None  # with warm ones; None: never


def break_evens(rows: Sequence[Row]) -> list[BreakEven]:
    """Compare each two implementations of a group."""
    groups: dict[tuple[Problem, Device, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed:
            groups[row.problem, row.device, row.n_cores].append(row)
    return [
        pair for group in groups.values() for pair in _pairs(sorted(group, key=lambda row: row.typical_s))
    ]


def _pairs(fastest_first: Sequence[Row]) -> Iterator[BreakEven]:
    typical_s = [row.typical_s for row in fastest_first]  # medians: of each row once
    first_s = [row.first_call_s for row in fastest_first]
    for i, faster in enumerate(fastest_first):
        for j, slower in enumerate(fastest_first[i + 1 :], i + 1):
            cold = None
            if faster.costs and slower.costs:
                cold = n_epochs_to_win(
                    (faster.costs.cold_first_call_s, typical_s[i]),
                    (slower.costs.cold_first_call_s, typical_s[j]),
                )
            yield BreakEven(
                problem=name_of(faster.problem),
                device=faster.device,
                n_cores=faster.n_cores,
                faster=faster.implementation,
                slower=slower.implementation,
                n_epochs_cold=cold,
                n_epochs_warm=n_epochs_to_win((first_s[i], typical_s[i]), (first_s[j], typical_s[j])),
            )


def n_epochs_to_win(faster: tuple[float, float], slower: tuple[float, float]) -> int | None:
    """Give the number of epochs from which `faster` has the smaller total; each is (first call, epoch) in s.

    None where that never comes.

    n epochs take first + (n - 1) · epoch, since the first call is an epoch too.
    """
    (first_faster, epoch_faster), (first_slower, epoch_slower) = faster, slower
    if first_faster < first_slower:
        return 1
    if epoch_faster == epoch_slower:
        return None
    return floor((first_faster - first_slower) / (epoch_slower - epoch_faster)) + 2
