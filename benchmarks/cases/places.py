"""On how many ranks an implementation is measured, and on how many cores each."""

from collections.abc import Iterable, Sequence

from benchmarks.cases.implementations import ImplementationFile
from benchmarks.errors import UsageError


def places_of(entry: ImplementationFile, ranks: Iterable[int], n_cores: int) -> list[tuple[int, int]]:
    """Return the numbers of ranks, and of cores for each rank, to measure the implementation on.

    Several ranks come with one process on one core, and with one process on as many cores as all ranks have:
    what the ranks gain is seen beside both only.
    """
    asked = [(n_ranks, n_cores) for n_ranks in ranks if n_ranks == 1 or entry.spans_ranks]
    beside = [(1, n) for n_ranks, _ in asked if n_ranks > 1 for n in (1, n_ranks * n_cores)]
    return list(dict.fromkeys([*beside, *asked]))


def require_spanning(entries: Sequence[ImplementationFile], ranks: Iterable[int]) -> None:
    """Refuse several ranks where no implementation spans them.

    Raises:
        UsageError: none does.
    """
    several = next((n_ranks for n_ranks in ranks if n_ranks > 1), None)
    if several and not any(entry.spans_ranks for entry in entries):
        found = ", ".join(dict.fromkeys(entry.name for entry in entries))
        message = (
            f"--ranks {several}: expected an implementation that spans ranks (SPANS_RANKS), found {found}; "
            "name one that does"
        )
        raise UsageError(message)


def left_out(entries: Iterable[ImplementationFile], ranks: Iterable[int]) -> list[str]:
    """Name the implementations that are not measured on several ranks, a line for each number of ranks."""
    names = dict.fromkeys(entry.name for entry in entries if not entry.spans_ranks)
    several = (n_ranks for n_ranks in dict.fromkeys(ranks) if n_ranks > 1)
    return [f"left out on {n} ranks, which they don't span: {', '.join(names)}" for n in several if names]
