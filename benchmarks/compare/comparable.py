"""Whether two records of different moments can be compared."""

from bisect import bisect
from collections.abc import Iterator

from benchmarks.cases.implementations import FLOOR
from benchmarks.errors import UsageError
from benchmarks.records.machine import Hardware
from benchmarks.records.run import Run

FACTS = {
    "cpu": "CPU",
    "n_cpus": "number of CPUs",
    "gpu": "GPU",
    "precision": "precision",
    "quota": "CPU quota",
}
"""The fields of `Hardware`, as a sentence names them."""


def require_comparable(base: Run, new: Run, baseline: str | None) -> None:
    """Refuse records whose absolute times can't be compared, unless only ratios to a baseline are compared.

    Raises:
        UsageError: they differ and no baseline was named, or the baseline has no times in one of them.
    """
    timed = [{row.case: row.implementation for row in run.rows if row.is_timed} for run in (base, new)]
    both = list(dict.fromkeys(name for case, name in timed[0].items() if case in timed[1]))
    found = [*differences(base, new), *_of_several_jobs(base, "base"), *_of_several_jobs(new, "new")]
    if baseline is None and found:
        example = f" --baseline {FLOOR if FLOOR in both else both[0]}" if both else ""
        ratios = f", or compare only ratios to an implementation that both measured:{example}"
        message = f"the records can't be compared: {'; '.join(found)}. Measure both alike"
        raise UsageError(message + ratios * bool(both))
    if baseline is not None and baseline not in both:
        message = (
            f"--baseline: expected an implementation with times of the same problem in both records "
            f"({', '.join(both) or 'there is none'}), found {baseline!r}"
        )
        raise UsageError(message)


def differences(base: Run, new: Run) -> list[str]:
    """Describe why absolute times of the two can't be compared: "CPU: A in the base, B in the new record"."""
    pairs = [(name, *(getattr(Hardware.of(run), key) for run in (base, new))) for key, name in FACTS.items()]
    groups = [sorted({row.group for row in run.rows}) for run in (base, new)]
    if not set(groups[0]) & set(groups[1]):
        pairs.append(("problems", *map(", ".join, groups)))
    digests = {row.case: row.data_digest for row in base.rows if row.data_digest}
    pairs += [
        (f"digest of the data of {row.case}", digests.get(row.case, row.data_digest), row.data_digest)
        for row in new.rows
        if row.data_digest
    ]
    return [
        f"{name}: {before or 'none'} in the base, {after or 'none'} in the new record"
        for name, before, after in pairs
        if before != after
    ]


def _of_several_jobs(run: Run, side: str) -> Iterator[str]:
    """Name a case whose processes are of several jobs: on one machine they are alike, so not independent."""
    starts = [part.first_round for part in run.provenance.parts]
    for row in run.rows:
        if len({bisect(starts, process.round) for process in row.processes}) > 1:
            yield f"processes of {row.case}: of several merged jobs in the {side} record"
            return
