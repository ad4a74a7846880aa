"""The number of epochs after which a more expensive first call has paid off."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor

from benchmarks.analysis.columns import column
from benchmarks.cases.problems import name_of
from benchmarks.records.row import Row
from impls.contract import Device, Problem


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """The number of epochs from which the faster training, first call included, ends before the other."""

    problem: str = column("generated from the problem's fields; begins with its name if it has one")
    device: str = column("cpu or cuda")
    n_cores: int = column("CPUs that each of its processes was kept to")
    n_ranks: int = column("processes that trained together")
    faster: str = column("the implementation with the shorter epochs after the first")
    slower: str = column("the other implementation")
    n_epochs_cold: int | None = column("with empty disk caches; missing: never, or not known")
    n_epochs_warm: int | None = column("with warm disk caches; missing: never")


def break_evens(rows: Sequence[Row]) -> list[BreakEven]:
    """Compare each two implementations of a group, the fastest first."""
    groups: dict[tuple[Problem, Device, int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed:
            groups[row.problem, row.device, row.n_cores, row.n_ranks].append(row)
    return [
        _compared(faster, slower)
        for group in groups.values()
        for faster, slower in combinations(sorted(group, key=lambda row: row.typical_s), 2)
    ]


def _compared(faster: Row, slower: Row) -> BreakEven:
    epochs_s = faster.typical_s, slower.typical_s
    cold_s = [row.costs.cold_first_call_s if row.costs else None for row in (faster, slower)]
    warm_s = [row.first_call_s for row in (faster, slower)]
    return BreakEven(
        problem=name_of(faster.problem),
        device=faster.device,
        n_cores=faster.n_cores,
        n_ranks=faster.n_ranks,
        faster=faster.implementation,
        slower=slower.implementation,
        n_epochs_cold=n_epochs_to_win(cold_s, epochs_s),
        n_epochs_warm=n_epochs_to_win(warm_s, epochs_s),
    )


def n_epochs_to_win(first_s: Sequence[float | None], epoch_s: tuple[float, float]) -> int | None:
    """Return the number of epochs from which the one side has the smaller total; None if there is none.

    Both pairs hold the one side, which has the shorter epochs, and the other; a first call may be unknown.
    n epochs take first + (n - 1) · epoch, because the first call is an epoch too.
    """
    one_s, other_s = first_s
    if one_s is None or other_s is None:
        return None
    if one_s < other_s:
        return 1
    if epoch_s[0] == epoch_s[1]:
        return None
    return floor((one_s - other_s) / (epoch_s[1] - epoch_s[0])) + 2
