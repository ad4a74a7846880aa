"""What part of its cost a shown time reaches; `benchmarks.worker.trials` measures the cost."""

from benchmarks.worker.messages import Conservation
from benchmarks.worker.samples import Summary
from impls.contract import Device

TOLERANCE = 0.8
"""A shown time may be below its cost by a fifth: costs vary, and the fastest of thousands of epochs is faster
than their mean. Honest loops: docs/method.md."""

ALONE = 0.4
"""Below this share of its cost, one process's time fails; between it and TOLERANCE it is undecided."""

FASTEST: dict[Device, float] = {"cpu": 0.5, "cuda": 0.5}
"""At least this many marginal epochs must the fastest epoch take. On an H200 it took down to 0.42 of a median
epoch, and 0.54 in the median over a row's processes (all records). On a CPU the machine's noise decides, with
this as the limit: the fastest of thousands finds quiet moments that no whole trial does."""

BUSY = 0.1
"""If threads waited for a core in a larger part of the time, a time is not said to be below its cost."""


def conserved_share(conservation: Conservation, summary: Summary, device: Device) -> float:
    """Return by how much the shown times reach their cost: 1 or more, or the share that they reach."""
    cost_s = marginal_s(conservation, device)
    quiet = max(FASTEST[device], conservation.quiet_share if device == "cpu" else 0.0)
    shown_s = [summary.median_s, summary.min_s / quiet]
    if conservation.net_s is not None:
        shown_s.append(conservation.net_s)
    return min(shown_s) / cost_s if cost_s > 0 else 0.0


def marginal_s(conservation: Conservation, device: Device) -> float:
    """Return the cost of an epoch, below which no shown time may be.

    Wall time is never below CPU time divided by the cores. Marginal wall time is the second bound: on a GPU,
    and where the trials had their cores.
    """
    if device == "cuda" or not is_busy(conservation):
        return max(conservation.marginal_cpu_s, conservation.marginal_wall_s)
    return conservation.marginal_cpu_s


def is_busy(conservation: Conservation) -> bool:
    """Whether other work took the cores from the trials, or nothing is known of it."""
    return conservation.waited_share is None or conservation.waited_share > BUSY
