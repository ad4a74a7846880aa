"""Is the native floor a floor? Compares its epoch with the time that reading the same bytes takes.

    python -m benchmarks.studies.roofline [--pairs 60] [--problem wide,n_batches=100] [-o FILE]

The two alternate within one pinned process. Exit status 1 if the median of the paired ratios exceeds 1.3.
"""

import argparse
import ctypes
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from timeit import timeit
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.data import draw_epochs
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import name_of, parse_problem
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload

FLOOR_FILE = IMPLEMENTATIONS / f"{FLOOR}.py"
PROBLEM = "wide,n_batches=100"  # 102 MB: more than the caches hold
LIMIT = 1.3
HEAD = f"""\
# Is the native floor a floor?

Written by `python -m benchmarks.studies.roofline`; don't edit. An epoch of `native_floor` on {{problem}}, \
compared with the roofline, the time that reading the same bytes takes. The two alternated within one \
process: medians of {{n_pairs}} pairs, and the median of the pairs' ratios with its quartiles. A floor takes \
at most {LIMIT} times the roofline."""
READERS = ("sum_in_order", "sum_quarters")  # either may be faster, depending on machine and hour
READERS_SOURCE = """
#include <stdint.h>

float sum_in_order(const float *x, int64_t n) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

float sum_quarters(const float *x, int64_t n) { /* four streams, four sums; leaves out up to 3 values */
    const int64_t quarter = n / 4;
    float a = 0, b = 0, c = 0, d = 0;
#pragma omp simd reduction(+ : a, b, c, d)
    for (int64_t i = 0; i < quarter; i++) {
        a += x[i];
        b += x[i + quarter];
        c += x[i + 2 * quarter];
        d += x[i + 3 * quarter];
    }
    return (a + b) + (c + d);
}
"""


@dataclass(frozen=True)
class Pair:
    """Times taken one right after another."""

    read_s: float  # of all of x, by the faster reader
    epoch_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = study_parser(__doc__, writes_page=True)
    parser.add_argument("--pairs", type=int, default=60, help="of measurements; default: %(default)s")
    parser.add_argument(
        "--problem", default=PROBLEM, help="as for `perceptron-bench run`; default: %(default)s"
    )
    return run_study(parser, _compare, arguments)


def _compare(parsed: argparse.Namespace) -> int:
    problem, found, cpus = parse_problem(parsed.problem), Findings(), choose_cpus(1)
    pin(cpus)
    floor: Any = load(FLOOR_FILE)
    if reason := floor.unavailable("cpu"):
        message = f"no floor to measure: {reason}"
        raise UsageError(message)
    workload = Workload.of(floor, problem)
    batches, *_ = draw_epochs(problem)
    x = np.concatenate([x for x, _ in batches])
    n_bytes = x.nbytes + sum(y.nbytes for _, y in batches)
    pairs = measure(workload, readers_of(floor.compiled(READERS_SOURCE), x), n_pairs=parsed.pairs)
    status = report(pairs, found, x_bytes=x.nbytes, epoch_bytes=n_bytes)
    found.write(parsed.output, HEAD.format(problem=name_of(problem), n_pairs=len(pairs)), cpus)
    return status


def readers_of(library: ctypes.CDLL, x: NDArray[np.float32]) -> list[Callable[[], object]]:
    """Return functions that each read x from one end to the other."""
    arguments = (x.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(x.size))
    return [partial(getattr(library, name), *arguments) for name in READERS]


def measure(workload: Workload, readers: Sequence[Callable[[], object]], *, n_pairs: int) -> list[Pair]:
    """Time an epoch after each reader; a pair holds the faster of each side. The first pair is left out."""
    state, batches = workload.start(), workload.batches(0)
    run_epoch = partial(workload.implementation.run_epoch, state, batches)
    pairs = []
    for _ in range(n_pairs + 1):
        times_s = [(timeit(reader, number=1), timeit(run_epoch, number=1)) for reader in readers]
        read_s, epoch_s = (min(side) for side in zip(*times_s, strict=True))
        pairs.append(Pair(read_s=read_s, epoch_s=epoch_s))
    return pairs[1:]


def report(pairs: Sequence[Pair], found: Findings, *, x_bytes: int, epoch_bytes: int) -> int:
    """Show medians and ratios; return 0 if the epoch takes at most LIMIT times as long as reading."""
    read_s = np.array([pair.read_s for pair in pairs]) * (epoch_bytes / x_bytes)  # of x and y
    epoch_s = np.array([pair.epoch_s for pair in pairs])
    low, ratio, high = np.quantile(epoch_s / read_s, (0.25, 0.5, 0.75))
    within = bool(ratio <= LIMIT)
    columns = ("bytes", "bandwidth", "roofline", "native floor", "floor / roofline", "quartiles", "verdict")
    table = Table(*columns)
    table.add_row(
        f"{epoch_bytes / 1e6:.1f} MB",
        f"{epoch_bytes / np.median(read_s) / 1e9:.1f} GB/s",
        si(float(np.median(read_s)), "s"),
        si(float(np.median(epoch_s)), "s"),
        f"{ratio:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{'within' if within else 'beyond'} {LIMIT} times",
    )
    found.show(table)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
