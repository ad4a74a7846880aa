"""What a step would take on 64, 1,000 and 10,000 ranks: a model, fitted to one rank and two.

    python -m benchmarks.studies.scaling.model --one-us 12000 --two-us 7000 --spread-us 150 \
        --all-reduce 16=60 --all-reduce 1032=70 --message 1032

A step on n ranks takes, in seconds,

    t(n) = c / n + o + a(n) + σ · E(n)

    c     work that the ranks divide: strong scaling; in weak scaling each rank does all of it
    o     work that each rank does in full: dispatch, the update
    a(n)  the all-reduce: a(2) = α + m / β
    α, β  time of an all-reduce of no bytes on two ranks, and bytes per second
    m     bytes of the message: the gradient and the loss, 4 (D + 2)
    σ     standard deviation of a rank's step
    E(n)  expected largest of n independent standard normal values: the others wait for the slowest

α and β follow from bare all-reduces on two ranks; c and o from t(1) = c + o and t(2). An all-reduce is one of
two algorithms:

    ring      a(n) = (n - 1) · α + 2 (n - 1) / n · m / β
              the default of gloo, which both frameworks use on CPUs (gloo/allreduce.cc in
              https://github.com/pytorch/gloo)
    doubling  a(n) = h · (α + m / β), h being log2(n), rounded up
              recursive doubling, which MPI libraries use for short messages (Thakur, Rabenseifner and Gropp,
              2005, doi:10.1177/1094342005051521)

Noise that is not normal, such as a daemon that wakes on one node of a thousand, costs more than σ · E(n)
(Petrini, Kerbyson and Pakin, 2003, doi:10.1145/1048935.1050204): the prediction is then too low.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.errors import UsageError
from benchmarks.studies.findings import Findings, run_study, study_parser

RANKS = (1, 2, 64, 1_000, 10_000)

TINY_S = 1e-15
"""What rounding leaves of a wait for nobody."""

TIMES = {
    "--one-us": "a step on one rank, with what joins the ranks, such as DDP",
    "--two-us": "the same step on two ranks",
    "--spread-us": "the standard deviation of a rank's step",
}
"""Options, each with its help."""

PUBLISHED_US = {4: 2.61, 8: 3.84, 16: 4.84, 32: 8.76, 64: 7.49, 128: 13.3}
"""All-reduces of 8 bytes on as many nodes of Lassen (POWER9, InfiniBand EDR): the mean of OSU's benchmark.

https://github.com/converged-computing/metrics-operator-experiments, commit 7578c6461c,
google/kubecon/hpc/lassen-run1/img/osu-benchmarks/osu_allreduce-groups-2-to-128.csv
"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """What an all-reduce between two ranks takes, and how more ranks do it."""

    latency_s: float
    s_per_byte: float = 0.0
    is_ring: bool = False  # else by recursive doubling

    @classmethod
    def fitted(cls, all_reduce_s: Mapping[int, float]) -> Self:
        """Fit gloo's ring to all-reduces on two ranks, by bytes; one size alone is all latency.

        Raises:
            UsageError: there is none, or a longer message took less time.
        """
        if not all_reduce_s:
            message = "expected at least one --all-reduce BYTES=US, found none"
            raise UsageError(message)
        sizes, times_s = np.array(list(all_reduce_s)), np.array(list(all_reduce_s.values()))
        if len(sizes) == 1:
            return cls(latency_s=float(times_s[0]), is_ring=True)
        slope, latency_s = np.polyfit(sizes, times_s, 1)
        if slope < 0 or latency_s < 0:
            message = (
                "--all-reduce: expected longer times for longer messages, found shorter ones; measure again"
            )
            raise UsageError(message)
        return cls(latency_s=float(latency_s), s_per_byte=float(slope), is_ring=True)

    def all_reduce_s(self, n_ranks: int, n_bytes: int) -> float:
        """Return the time of an all-reduce."""
        bytes_s = n_bytes * self.s_per_byte
        if self.is_ring:
            return (n_ranks - 1) * (self.latency_s + 2 / n_ranks * bytes_s)
        return n_exchanges(n_ranks) * (self.latency_s + bytes_s)


def n_exchanges(n_ranks: int) -> int:
    """Return the number of exchanges that follow one another in an all-reduce by recursive doubling."""
    return math.ceil(math.log2(n_ranks))


def published_network() -> Network:
    """Fit the latency of an exchange to PUBLISHED_US, by least squares."""
    steps = np.array([n_exchanges(n_nodes) for n_nodes in PUBLISHED_US])
    times_s = np.array(list(PUBLISHED_US.values())) * 1e-6
    return Network(latency_s=float(steps @ times_s / (steps @ steps)))


def expected_largest(n: int) -> float:
    """Return the expected largest of n independent standard normal values."""
    from scipy.stats import norm  # noqa: PLC0415 - a second to import

    if n == 1:
        return 0.0  # and not the 1e-17 of the integral
    x = np.linspace(-9.0, 9.0, 20_001)
    density = n * norm.pdf(x) * norm.cdf(x) ** (n - 1)
    return float(np.trapezoid(x * density, x))


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step's parts, in seconds."""

    divided_s: float
    whole_s: float
    spread_s: float

    @classmethod
    def fitted(cls, *, one_s: float, two_s: float, spread_s: float, all_reduce_s: float) -> Self:
        """Fit it to a step on one rank, a step on two, and the bare all-reduce on two.

        Raises:
            UsageError: they contradict each other.
        """
        divided_s = 2 * (one_s - two_s + all_reduce_s + spread_s * expected_largest(2))
        if not 0 <= divided_s <= one_s:
            message = (
                f"expected two ranks to divide between none and all of a step's {si(one_s, 's')}, found "
                f"{si(divided_s, 's')}: the all-reduce or the spread is not of the same step; measure again"
            )
            raise UsageError(message)
        return cls(divided_s=divided_s, whole_s=one_s - divided_s, spread_s=spread_s)

    def waiting_s(self, n_ranks: int) -> float:
        """Return the mean wait for the slowest rank."""
        return self.spread_s * expected_largest(n_ranks)

    def computing_s(self, n_ranks: int, *, weak: bool) -> float:
        """Return a rank's own work."""
        return self.divided_s / (1 if weak else n_ranks) + self.whole_s


def table_of(step: Step, network: Network, n_bytes: int, title: str) -> Table:
    """Make the table of the step on each number of ranks."""
    table = Table(title=title)
    for column in ("ranks", "all-reduce", "waiting", "strong", "speed-up", "weak", "efficiency"):
        table.add_column(column, justify="right")
    one_s = step.computing_s(1, weak=False)
    for n_ranks in RANKS:
        all_reduce_s, waiting_s = network.all_reduce_s(n_ranks, n_bytes), step.waiting_s(n_ranks)
        strong_s, weak_s = (
            step.computing_s(n_ranks, weak=weak) + all_reduce_s + waiting_s for weak in (False, True)
        )
        times = [si(each, "s") if each > TINY_S else "0" for each in (all_reduce_s, waiting_s, strong_s)]
        table.add_row(
            f"{n_ranks:,}", *times, f"{one_s / strong_s:.3g}×", si(weak_s, "s"), f"{one_s / weak_s:.0%}"
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the model predicts; return the exit status."""
    parser = study_parser(__doc__)
    for name, help_ in TIMES.items():
        parser.add_argument(name, help=f"{help_}, in microseconds", type=float, required=True, metavar="US")
    parser.add_argument(
        "--all-reduce",
        help="a bare all-reduce of so many bytes on two ranks; repeatable",
        action="append",
        default=[],
        type=_read_all_reduce,
        metavar="BYTES=US",
    )
    parser.add_argument("--message", help="bytes of the step's message", type=int, required=True)
    return run_study(parser, _predict, arguments)


def _read_all_reduce(text: str) -> tuple[int, float]:
    n_bytes, _, time_us = text.partition("=")
    return int(n_bytes), float(time_us) * 1e-6


def _predict(parsed: argparse.Namespace) -> int:
    here, found = Network.fitted(dict(parsed.all_reduce)), Findings()
    step = Step.fitted(
        one_s=parsed.one_us * 1e-6,
        two_s=parsed.two_us * 1e-6,
        spread_s=parsed.spread_us * 1e-6,
        all_reduce_s=here.all_reduce_s(2, parsed.message),
    )
    published = published_network()
    for network, name in ((here, "gloo's ring, as here"), (published, "recursive doubling, as on Lassen")):
        latency = si(network.latency_s, "s")
        title = f"With {name}: an all-reduce of no bytes takes two ranks {latency}"
        found.show(table_of(step, network, parsed.message, title))
    return 0


if __name__ == "__main__":
    sys.exit(main())
