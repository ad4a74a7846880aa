"""Runs → the figures that are shown of them: the one place where they are computed.

Tables, pictures, page and exports all take theirs from here, so that they can't disagree.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from benchmarks.analysis.columns import Column
from benchmarks.cases.implementations import BY_FRAMEWORK, FLOOR, discover
from benchmarks.cases.problems import name_of
from benchmarks.records.machine import Machine
from benchmarks.records.process import paired_min_s
from benchmarks.stats import Ratio, speedup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

OF_ROW = (
    *("case", "group", "implementation", "framework", "tier", "summary", "device", "reason"),
    "code_digest",
)
"""Figures that are the row's own, under the same name; those of its problem are found by theirs."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that is shown of one row. Times, and what follows from them, are None unless it is timed."""

    run: Annotated[str, Column("when the run began, which names it; ISO 8601")]
    machine: Annotated[str, Column("the machine's name")]
    cpu: Annotated[str, Column("model of its processor")]
    n_cpus: Annotated[int, Column("CPUs of the machine")]
    gpu: Annotated[str | None, Column("models of its GPUs")]
    n_cores: Annotated[int, Column("CPUs that its processes were kept to")]
    commit: Annotated[str | None, Column("of the harness")]
    code_digest: Annotated[
        str | None,
        Column("of the implementation's files and the harness's that time it; older records have none"),
    ]
    case: Annotated[str, Column("implementation, device and problem, as pytest names the benchmark")]
    group: Annotated[str, Column("problem and device: only rows of one group and run may be compared")]
    implementation: Annotated[str, Column("its file's name")]
    framework: Annotated[str, Column("the package it needs")]
    tier: Annotated[str, Column("what one call hands to the machine: eager, step, epoch, floor")]
    gradient: Annotated[
        str,
        Column(
            'who derives the gradient: "framework" or "by hand"; of older records what the file of that name '
            "declares today"
        ),
    ]
    summary: Annotated[str, Column("the implementation's first line: what this way of running is")]
    device: Annotated[str, Column("cpu or cuda")]
    problem: Annotated[str, Column("generated from the problem's fields; begins with its name if it has one")]
    batch_size: Annotated[int, Column("B: samples in one mini-batch")]
    n_features: Annotated[int, Column("D: width of one sample")]
    n_batches: Annotated[int, Column("N: steps in one epoch")]
    n_epochs: Annotated[int, Column("E: epochs of one training; with a target, the most there may be")]
    feed: Annotated[
        str, Column("device: the batches lie there before the epoch; host: handing over is timed")
    ]
    readback: Annotated[str, Column("when the host reads the losses: after each epoch, or after each step")]
    loss: Annotated[str, Column("bce: computed from probabilities; bce_with_logits: from logits")]
    precision: Annotated[str, Column("of the matrix products' operands")]
    data: Annotated[str, Column("dataset: every epoch passes over the same batches; stream: over fresh ones")]
    target_loss: Annotated[float | None, Column("the mean loss at which the training ends, if one was set")]
    verdict: Annotated[
        str, Column("verified, INVALID, FAILED or not measured; only verified rows have times")
    ]
    reason: Annotated[str | None, Column("why it is not verified")]
    n_rounds: Annotated[int, Column("fresh processes that were timed, one a round")]
    typical_s: Annotated[float | None, Column("an epoch: median over rounds of each process's median", "s")]
    best_s: Annotated[float | None, Column("the fastest epoch of all", "s")]
    samples_per_s: Annotated[float | None, Column("rows of data per second, at the typical time", "1/s")]
    baseline: Annotated[str, Column("the implementation that the run's others are compared with")]
    speedup: Annotated[
        float | None,
        Column(
            "how many times faster than the baseline: median over rounds of the two processes' fastest epochs"
        ),
    ]
    speedup_low: Annotated[float | None, Column("lower end of its interval; none below five rounds")]
    speedup_high: Annotated[float | None, Column("upper end of it")]
    speedup_coverage: Annotated[float | None, Column("probability with which the interval holds the median")]
    times_floor: Annotated[
        float | None, Column(f"an epoch's time over {FLOOR}'s, paired by rounds as the speedup is")
    ]
    cold_s: Annotated[float | None, Column("the first epoch, compilation included, empty disk caches", "s")]
    warm_s: Annotated[float | None, Column("the same with warm disk caches, median over rounds", "s")]
    memory_bytes: Annotated[
        int | None,
        Column("peak on the device; on a CPU above what the process held with the framework loaded", "bytes"),
    ]
    deviation: Annotated[float | None, Column("largest difference of any step's loss from the reference")]

    @property
    def is_timed(self) -> bool:
        """Say whether there are times to show."""
        return self.typical_s is not None


@dataclass(frozen=True)
class _Same:
    """A run, known by its identity: to compare all rows would take longer than to compute their figures."""

    run: Run

    def __eq__(self, other: object) -> bool:
        """Say whether it is the very same."""
        return isinstance(other, _Same) and self.run is other.run

    def __hash__(self) -> int:
        """Give a number that the very same has, too."""
        return id(self.run)


def figures_of(run: Run) -> Sequence[Figures]:
    """Compute what is shown of each row, those of a group together; once for a run, which can't change."""
    return _figures_of(_Same(run))


@lru_cache(maxsize=32)
def _figures_of(same: _Same) -> tuple[Figures, ...]:
    run, where = same.run, _where(same.run)
    return tuple(
        Figures(**where, **_what(row), **_times(row), **_ratios(row, group, run.settings.baseline))
        for group in rows_by_group(run).values()
        for row in group.values()
    )


def _where(run: Run) -> dict[str, Any]:
    at, site = run.provenance, Machine.of(run)
    return {"run": at.date, "commit": at.commit, **vars(site), "gpu": site.gpu or None}


def _what(row: Row) -> dict[str, Any]:
    """Give what the row is of, and what became of it."""
    return {
        **{name: value for name, value in vars(row.problem).items() if name in Figures.__annotations__},
        **{name: getattr(row, name) for name in OF_ROW},
        "gradient": gradient_of(row),
        "problem": name_of(row.problem),
        "n_cores": row.n_cores,
        "verdict": str(row.verdict),
        "deviation": row.agreement.max_loss_deviation if row.agreement else None,
        "n_rounds": len(row.processes),
    }


def gradient_of(row: Row) -> str:
    """Return who derives its gradient; an older record does not say, so its file of today is asked."""
    return row.gradient or _declared_gradients().get(row.implementation, BY_FRAMEWORK)


@cache
def _declared_gradients() -> dict[str, str]:
    return {name: entry.gradient for name, entry in discover().items()}


def _times(row: Row) -> dict[str, Any]:
    timed, costs = row.is_timed, row.costs if row.is_timed else None
    return {
        "typical_s": row.typical_s if timed else None,
        "best_s": row.best_s if timed else None,
        "samples_per_s": row.problem.samples_per_epoch / row.typical_s if timed else None,
        "cold_s": costs.cold_first_call_s if costs else None,
        "warm_s": row.first_call_s if timed else None,
        "memory_bytes": peak_bytes(row) if timed else None,
    }


def peak_bytes(row: Row) -> int | None:
    """Give the peak memory on the row's device; None where it was not to be seen."""
    if row.costs is None:
        return None
    size_bytes = row.costs.peak_host_bytes if row.device == "cpu" else row.costs.peak_device_bytes
    return None if size_bytes is None else max(size_bytes, 0)  # it may have returned some


def _ratios(row: Row, group: Mapping[str, Row], baseline: str) -> dict[str, Any]:
    speedup_ = ratio_of(group.get(baseline), row)
    above_floor = ratio_of(row, group.get(FLOOR))
    return {
        "baseline": baseline,
        "speedup": speedup_.value if speedup_ else None,
        "speedup_low": speedup_.low if speedup_ else None,
        "speedup_high": speedup_.high if speedup_ else None,
        "speedup_coverage": speedup_.coverage if speedup_ else None,
        "times_floor": above_floor.value if above_floor else None,
    }


def ratio_of(baseline: Row | None, row: Row | None) -> Ratio | None:
    """Compare two rows of one group over the rounds in which both ran; None where there is no such round."""
    if baseline is None or row is None or not (baseline.is_timed and row.is_timed):
        return None
    if row is baseline:
        return Ratio(1.0)
    pairs = paired_min_s(baseline.processes, row.processes)
    return speedup(*zip(*pairs, strict=True)) if pairs else None


def rows_by_group(run: Run) -> dict[str, dict[str, Row]]:
    """Give the rows by group, and within it by implementation."""
    groups: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in run.rows:
        groups[row.group][row.implementation] = row
    return groups
