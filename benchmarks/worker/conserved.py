"""What part of its cost a shown time reaches; `benchmarks.worker.trials` measures the cost."""

from benchmarks.worker.messages import Conservation
from benchmarks.worker.samples import Summary
from impls.contract import Device

TOLERANCE = 0.8
"""The mean epoch may be below its cost by a fifth, for costs vary; so may what the other bounds ask for.
Honest loops: docs/method.md."""

ALONE = 0.4
"""Below this share of its cost, one process's time fails; between it and TOLERANCE it is undecided."""

UNSTEADY = 2
"""Over several ranks, one process fails only beyond this many times what it would fail at alone.

How long ranks wait for each other, and poll meanwhile, differs between trainings by a factor of five. Of 173
processes of honest loops over two ranks, two reached 0.4 of their cost, and one was at 2.3 times the limit of
what a training pays once (AMD EPYC, `jax_sharded` with batches of 500 and 1,000).
"""

FASTEST = 0.5
"""At least this part of its cost must the fastest epoch reach, within TOLERANCE: it may find a quiet moment
that no whole training does. On an H200 it was down to 0.42 of a median epoch, and 0.54 in the median over a
row's processes (all records)."""

EVEN = 0.85
"""Epochs of one training differ: their mean reaches its cost, their median and fastest this part of it.

Each step of `torch_epoch` leaves C's allocator (glibc 2.36) small free blocks, which it merges by the
thousand: on `small`, for 0.2 ms in every fifth epoch and for 1.5 ms once in 13 (gone with the allocator's
setting mxfast=0). Its median was 0.83 to 0.9 of the mean there, and its fastest 0.79 to 0.83 (AMD EPYC). On
a GPU that is not measured: the median reaches the whole cost.
"""

BUSY = 0.2
"""If others had the core in a larger part of the trials' time, a time is not said to be below its cost."""


def conserved_share(conservation: Conservation, summary: Summary, device: Device) -> float:
    """Return by how much the shown times reach their cost: 1 or more, or the share that they reach."""
    cost_s, quiet_s = marginal_s(conservation, device), fastest_s(conservation, device)
    if min(cost_s, quiet_s) <= 0:
        return 0.0
    typical_s = cost_s if device == "cuda" else EVEN * cost_s
    return min(mean_s(conservation, summary) / cost_s, summary.median_s / typical_s, summary.min_s / quiet_s)


def mean_s(conservation: Conservation, summary: Summary) -> float:
    """Return the mean timed epoch: without waits for a core, where they are known."""
    return summary.mean_s if conservation.net_s is None else conservation.net_s


def fastest_s(conservation: Conservation, device: Device) -> float:
    """Return the cost of an epoch in a quiet moment.

    Noise comes and goes. On a CPU a tenth of all trainings had it quiet; on a GPU that is not measured.
    """
    cost_s = marginal_s(conservation, device)
    if device == "cuda":
        return FASTEST * cost_s
    return min(cost_s, max(EVEN * conservation.quiet_s, FASTEST * cost_s))


def marginal_s(conservation: Conservation, device: Device) -> float:
    """Return the cost of an epoch, below which no shown time may be.

    Wall time is never below CPU time divided by the cores. Marginal wall time is the second bound: on a GPU,
    and where the trials had their cores.
    """
    if device == "cuda" or not is_busy(conservation):
        return max(conservation.marginal_cpu_s, conservation.marginal_wall_s)
    return conservation.marginal_cpu_s


def is_below(conservation: Conservation, share: float) -> bool:
    """Whether one process that reaches this share of its cost fails: neither noise nor others explain it."""
    return share < ALONE / unsteadiness(conservation) and not is_busy(conservation)


def unsteadiness(conservation: Conservation) -> float:
    """Return the factor by which costs may be further off than those of a process without other ranks."""
    return UNSTEADY if conservation.n_ranks > 1 else 1


def is_busy(conservation: Conservation) -> bool:
    """Whether others had the cores for which the trials waited, or nothing is known of it."""
    return conservation.others_share is None or conservation.others_share > BUSY
