"""Whether two records of different moments may be held against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.record import Run

PRECISION = ("NVIDIA_TF32_OVERRIDE", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64")
"""Variables that decide it for a whole process."""

USUAL_CONTROL = "native_floor"


def require_comparable(base: Run, new: Run, control: str | None) -> None:
    """Refuse records whose absolute times can't be compared, but if only ratios to a control are.

    Raises:
        UsageError: they differ and no control was named, or one that has no times in both.

    """
    timed = [dict.fromkeys(row.implementation for row in run.rows if row.is_timed) for run in (base, new)]
    both = [name for name in timed[0] if name in timed[1]]
    if control is None and (found := differences(base, new)):
        example = both[0] if both and USUAL_CONTROL not in both else USUAL_CONTROL
        message = (
            f"the records can't be compared: {'; '.join(found)}. Measure both alike, or compare only ratios "
            f"to an implementation that both measured: --ratios-to {example}"
        )
        raise UsageError(message)
    if control is not None and control not in both:
        message = (
            f"--ratios-to: expected an implementation with times in both records "
            f"({', '.join(both) or 'there is none'}), found {control!r}"
        )
        raise UsageError(message)


def differences(base: Run, new: Run) -> list[str]:
    """Say what makes absolute times of the two incomparable: "CPU: A in the base, B in the new record"."""
    facts = {
        name: (of(base), of(new))
        for name, of in {
            "CPU": lambda run: run.provenance.cpu,
            "number of CPUs": lambda run: run.provenance.n_cpus,
            "GPU": lambda run: run.provenance.gpu or "none",
            "cores used": lambda run: run.provenance.n_cores_used,
            "precision": _precision_of,
        }.items()
    }
    found = [f"{name}: {a} in the base, {b} in the new record" for name, (a, b) in facts.items() if a != b]
    problems = [sorted({row.group for row in run.rows}) for run in (base, new)]
    if not set(problems[0]) & set(problems[1]):
        found.append("problems: {} in the base, {} in the new record".format(*map(", ".join, problems)))
    digests = {row.case: row.data_digest for row in base.rows if row.data_digest}
    return found + [
        f"data of {row.case}: digest {digests[row.case]} in the base, {row.data_digest} in the new record"
        for row in new.rows
        if row.data_digest and digests.get(row.case, row.data_digest) != row.data_digest
    ]


def _precision_of(run: Run) -> str:
    variables = run.provenance.worker_variables
    return ", ".join(f"{name}={variables[name]}" for name in PRECISION if name in variables) or "default"
