"""Whether two records of different moments may be held against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cases.implementations import FLOOR
from benchmarks.errors import UsageError
from benchmarks.records.machine import Hardware

if TYPE_CHECKING:
    from benchmarks.records.run import Run

FACTS = {
    "cpu": "CPU",
    "n_cpus": "number of CPUs",
    "gpu": "GPU",
    "precision": "precision",
}
"""The fields of a `Hardware`, as a sentence names them."""


def require_comparable(base: Run, new: Run, control: str | None) -> None:
    """Refuse records whose absolute times can't be compared, but if only ratios to a control are.

    Raises:
        UsageError: they differ and no control was named, or one that has no times in both.

    """
    timed = [{row.case: row.implementation for row in run.rows if row.is_timed} for run in (base, new)]
    both = list(dict.fromkeys(name for case, name in timed[0].items() if case in timed[1]))
    if control is None and (found := differences(base, new)):
        message = f"the records can't be compared: {'; '.join(found)}. Measure both alike"
        if both:
            example = FLOOR if FLOOR in both else both[0]
            message += (
                f", or compare only ratios to an implementation that both measured: --baseline {example}"
            )
        raise UsageError(message)
    if control is not None and control not in both:
        message = (
            f"--baseline: expected an implementation with times of the same problem in both records "
            f"({', '.join(both) or 'there is none'}), found {control!r}"
        )
        raise UsageError(message)


def differences(base: Run, new: Run) -> list[str]:
    """Say what makes absolute times of the two incomparable: "CPU: A in the base, B in the new record"."""
    machines = [Hardware.of(run) for run in (base, new)]
    facts = {told: [getattr(machine, name) or "none" for machine in machines] for name, told in FACTS.items()}
    found = [f"{told}: {a} in the base, {b} in the new record" for told, (a, b) in facts.items() if a != b]
    problems = [sorted({row.group for row in run.rows}) for run in (base, new)]
    if not set(problems[0]) & set(problems[1]):
        found.append("problems: {} in the base, {} in the new record".format(*map(", ".join, problems)))
    digests = {row.case: row.data_digest for row in base.rows if row.data_digest}
    return found + [
        f"data of {row.case}: digest {digests[row.case]} in the base, {row.data_digest} in the new record"
        for row in new.rows
        if row.data_digest and digests.get(row.case, row.data_digest) != row.data_digest
    ]
