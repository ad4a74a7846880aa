"""Does the harness add time of its own? Holds the suite's figures against bare timing of the same epoch.

    python -m benchmarks.studies.harness_overhead [--processes 4] [--problem book]

The two alternate within pinned processes. Exit status 1 where the median of the paired ratios is off by more
than 5 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.problems import parse_problem
from benchmarks.errors import UsageError
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.env_vars import worker_environment

TOLERANCE = 0.05
N_PAIRS = 20  # in each process
METHODS = {"torch_eager": "torch.utils.benchmark.Timer", "jax_scan": "a bare perf_counter loop"}


def main() -> int:
    """Measure and report; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=4, help="for each side; default: %(default)s")
    parser.add_argument("--problem", default="book", help="as for `perceptron-bench run`; default: book")
    parsed = parser.parse_args()
    try:
        parse_problem(parsed.problem)
    except UsageError as error:
        parser.error(str(error))
    console = Console(width=120)
    cpus = choose_cpus(1)
    if not cpus:
        console.print("this system can't pin a process: the two would not run alike")
        return 1
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for i in range(parsed.processes):
        for name in METHODS:
            console.print(f"process {i + 1} of {parsed.processes}: {name}", highlight=False)
            pairs[name] += measure(name, parsed.problem, cpus[0])
    return report(pairs, console)


def measure(name: str, problem: str, cpu: int) -> list[tuple[float, float]]:
    """Give pairs of medians, the suite's and the bare one, from one process under the workers' variables."""
    arguments = (name, problem, METHODS[name], str(cpu), str(N_PAIRS))
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", "benchmarks.studies.bare_timing", *arguments],
        env=worker_environment(n_cores=1),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [(suite_s, bare_s) for suite_s, bare_s in json.loads(done.stdout)]


def report(pairs: dict[str, list[tuple[float, float]]], console: Console) -> int:
    """Print medians and ratios; 0 where each agrees within the tolerance."""
    table = Table("implementation", "held against", "suite", "bare", "suite / bare", "quartiles", "verdict")
    agree = True
    for name, measured in pairs.items():
        suite_s, bare_s = np.array(measured).T
        low, ratio, high = np.quantile(suite_s / bare_s, (0.25, 0.5, 0.75))
        within = abs(ratio - 1) <= TOLERANCE
        agree = agree and bool(within)
        verdict = "agrees" if within else f"off by more than {TOLERANCE:.0%}"
        times = (si(float(np.median(suite_s)), "s"), si(float(np.median(bare_s)), "s"))
        table.add_row(name, METHODS[name], *times, f"{ratio:.3f}", f"{low:.3f} to {high:.3f}", verdict)
    console.print(table)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
