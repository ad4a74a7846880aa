"""Runs → the figures that are shown of them.

Tables, plots, page and exports all take their figures and columns from here, so that they can't disagree.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

from benchmarks.analysis.cells import NO_FIGURE, difference_cell, interval_cell
from benchmarks.analysis.columns import column
from benchmarks.analysis.gradient import gradient_of
from benchmarks.cases.code_lines import TEXTBOOK
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import name_of
from benchmarks.records.machine import Machine
from benchmarks.records.process import paired_min_s
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.stats import Ratio, speedup

OF_ROW = (
    *("case", "group", "implementation", "framework", "tier", "summary", "device", "reason"),
    *("code_digest", "more_lines", "n_cores", "n_ranks"),
)
"""Figures that a row has under the same name."""

OF_RATIO = ("speedup", "speedup_low", "speedup_high", "speedup_coverage")
"""Figures that a `Ratio` holds, in its order."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that is shown of one row. Times, and what follows from them, are None unless it is timed."""

    run: str = column("when the run began, which names it; ISO 8601")
    machine: str = column("the machine's name")
    cpu: str = column("model of its processor")
    n_cpus: int = column("CPUs of the machine")
    gpu: str | None = column("models of its GPUs")
    n_cores: int = column("CPUs that each of its processes was kept to")
    n_ranks: int = column("processes that trained together")
    commit: str | None = column("commit of the harness")
    code_digest: str | None = column(
        "digest of the implementation's files and of the harness's that time it; None: not recorded"
    )
    case: str = column("implementation, device and problem, as pytest names the benchmark")
    group: str = column("problem and device: compare only rows of one group and run")
    implementation: str = column("name of the implementation's file", title="implementation")
    framework: str = column("package that the implementation needs")
    tier: str = column(
        "work that one call covers: eager, step, epoch, kernel or floor", title="tier", priority=2
    )
    gradient: str = column(
        'who derives the gradient by the parameters: "framework", also with a rule of its own for the loss '
        'node alone ("framework, own loss rule"), or "by hand"; not recorded: as the file declares it today',
        title="gradient",
        priority=4,
    )
    summary: str = column("the implementation's first line: what this way of running is")
    device: str = column("cpu or cuda")
    problem: str = column("generated from the problem's fields; begins with its name if it has one")
    batch_size: int = column("B: samples in one mini-batch")
    n_features: int = column("D: width of one sample")
    n_batches: int = column("N: steps in one epoch")
    n_epochs: int = column("E: epochs of one training; with a target, the largest number")
    feed: str = column("device: the batches are there before the epoch; host: handing over is timed")
    readback: str = column("when the host reads the losses: after each epoch, or after each step")
    loss: str = column("bce: computed from probabilities; bce_with_logits: from logits")
    precision: str = column("precision of the matrix products' operands")
    data: str = column("dataset: each epoch has the same batches; stream: each has fresh ones")
    target_loss: float | None = column("the mean loss at which the training ends, if one was set")
    n_rounds: int = column("fresh processes that were timed, one a round")
    baseline: str = column("the implementation that the others of the run are compared with")
    typical_s: float | None = column(
        "time of one epoch: the median over the rounds of each process's median", "s", title="typical"
    )
    best_s: float | None = column("time of the fastest epoch", "s", title="best", priority=4)
    conserved: float | None = column(
        "the fastest epoch over what an epoch costs in whole trainings on unseen data, in the median of the "
        "rounds; below 0.8 only as far as differences between epochs and the noise of the machine explain it",
        title="of its cost",
        priority=3,
        cell=lambda row: NO_FIGURE if row.conserved is None else f"{row.conserved:.2f}",
    )
    samples_per_s: float | None = column(
        "samples per second, at the typical time", "1/s", title="samples/s", priority=2
    )
    speedup: float | None = column(
        "how many times faster than the baseline: each round gives the ratio of the two processes' "
        "fastest epochs, and this is the median of the ratios",
        "×",
        title="vs {baseline}",
        priority=1,
    )
    speedup_low: float | None = column(
        "confidence interval of that ratio; five rounds give 94 %, fewer give none; sorted and exported "
        "by its lower end",
        title="95 %",
        priority=1,
        cell=lambda row: interval_cell(row.speedup_low, row.speedup_high, row.speedup_coverage),
    )
    speedup_high: float | None = column("upper end of the confidence interval")
    speedup_coverage: float | None = column("probability that the interval covers the median")
    times_floor: float | None = column(
        f"how many times as long as with `{FLOOR}` an epoch takes, compared in the same way",
        "×",
        title="vs floor",
        priority=2,
    )
    more_lines: int | None = column(
        f"lines of code beyond those of the textbook's loop, `{TEXTBOOK}`, without blank lines, comments and "
        "docstrings; missing: not recorded",
        title="more lines",
        priority=3,
        cell=lambda row: difference_cell(row.more_lines),
    )
    n_private_names: int | None = column(
        "names that it rests on and that its framework keeps private or does not document, as its file "
        "declares them; missing: not recorded",
        title="private names",
        priority=3,
    )
    private_names: str | None = column("these names; empty: none")
    cold_s: float | None = column(
        "the first call of the problem in a process, with empty disk caches: place, prepare and the first "
        "epoch, with all compiling; measured in one process",
        "s",
        title="cold",
        priority=2,
    )
    warm_s: float | None = column(
        "the same with the disk caches that an earlier process filled; the median over the later rounds",
        "s",
        title="warm",
        priority=2,
    )
    memory_bytes: int | None = column(
        "peak memory of the process, data included, above its memory once the framework was loaded; on a "
        "GPU, the peak of the framework's own allocator",
        "bytes",
        title="memory",
        priority=3,
    )
    million_samples_j: float | None = column(
        "energy of a million samples: the device's mean power while timing, times the typical time",
        "J",
        title="J/million",
        priority=4,
        if_known=True,
    )
    deviation: float | None = column(
        "largest difference between any step's loss and the reference", title="deviation", priority=4
    )
    verdict: str = column(
        "verified, INVALID, FAILED or not measured; only verified rows have times", title="verdict"
    )
    reason: str | None = column("why the row is not verified")

    @property
    def is_timed(self) -> bool:
        """Check whether there are times to show."""
        return self.typical_s is not None


@dataclass(frozen=True)
class _Same:
    """A run, compared by identity: comparing all rows would take longer than computing their figures."""

    run: Run

    def __eq__(self, other: object) -> bool:
        """Check whether it is the same object."""
        return isinstance(other, _Same) and self.run is other.run

    def __hash__(self) -> int:
        """Return the hash of the identity."""
        return id(self.run)


def figures_of(run: Run) -> Sequence[Figures]:
    """Compute the figures of each row, group by group; only once for a run, because runs can't change."""
    return _figures_of(_Same(run))


@lru_cache(maxsize=32)
def _figures_of(same: _Same) -> tuple[Figures, ...]:
    at, machine, baseline = same.run.provenance, Machine.of(same.run), same.run.settings.baseline
    of_run = vars(machine) | {"run": at.date, "commit": at.commit, "baseline": baseline}
    of_run["gpu"] = machine.gpu or None
    nothing: dict[str, Any] = dict.fromkeys(Figures.__annotations__)
    return tuple(
        Figures(**nothing | of_run | _of_row(row) | _of_times(row, group, baseline))
        for group in rows_by_group(same.run).values()
        for row in group.values()
    )


def _of_row(row: Row) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(row.problem).items() if name in Figures.__annotations__},
        **{name: getattr(row, name) for name in OF_ROW},
        "gradient": gradient_of(row),
        "n_private_names": None if row.private_names is None else len(row.private_names),
        "private_names": None if row.private_names is None else ", ".join(row.private_names),
        "problem": name_of(row.problem),
        "verdict": str(row.verdict),
        "deviation": row.agreement.max_loss_deviation if row.agreement else None,
        "n_rounds": len(row.processes),
    }


def _of_times(row: Row, group: Mapping[str, Row], baseline: str) -> dict[str, Any]:
    if not row.is_timed:
        return {}
    versus, above_floor = ratio_of(group.get(baseline), row), ratio_of(row, group.get(FLOOR))
    return {
        **dict(zip(OF_RATIO, astuple(versus) if versus else (), strict=False)),
        "typical_s": row.typical_s,
        "best_s": row.best_s,
        "conserved": row.conserved,
        "samples_per_s": row.problem.samples_per_epoch / row.typical_s,
        "times_floor": above_floor and above_floor.value,
        "cold_s": row.costs and row.costs.cold_first_call_s,
        "warm_s": row.first_call_s,
        "memory_bytes": row.peak_bytes,
        "million_samples_j": row.million_samples_j,
    }


def ratio_of(
    baseline: Row | None, row: Row | None, paired: Callable[..., list[tuple[float, float]]] = paired_min_s
) -> Ratio | None:
    """Return how many times faster than the baseline a row of its group is; None if no round has both."""
    if baseline is None or row is None or not (baseline.is_timed and row.is_timed):
        return None
    if row is baseline:
        return Ratio(1.0)
    pairs = paired(baseline.processes, row.processes)
    return speedup(*zip(*pairs, strict=True)) if pairs else None


def rows_by_group(run: Run) -> dict[str, dict[str, Row]]:
    """Return the rows by group, and within a group by implementation."""
    groups: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in run.rows:
        groups[row.group][row.implementation] = row
    return groups
