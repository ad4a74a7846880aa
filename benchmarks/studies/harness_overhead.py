"""Does the harness add time of its own? Compares its figures with bare timing of the same epoch.

    python -m benchmarks.studies.harness_overhead [--processes 4] [--problem book]

The two alternate within pinned processes. Exit status 1 if the median of the paired ratios is off by more
than 5 %.
"""

import argparse
import gc
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.problems import parse_problem
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.studies.fresh_process import in_fresh_process
from benchmarks.worker.measure import time_trainings
from benchmarks.worker.messages import Job
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, drop_warmup, train

TOLERANCE = 0.05
N_PAIRS = 20  # in each process
SECONDS = 0.1  # of each measurement
METHODS = {"torch_eager": "torch.utils.benchmark.Timer", "jax_scan": "a bare perf_counter loop"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = study_parser(__doc__)
    parser.add_argument("--processes", type=int, default=4, help="for each side; default: %(default)s")
    parser.add_argument("--problem", default="book", help="as for `perceptron-bench run`; default: book")
    return run_study(parser, _compare, arguments)


def _compare(parsed: argparse.Namespace) -> int:
    parse_problem(parsed.problem)
    cpus, found = choose_cpus(1), Findings()
    if not cpus:
        message = "this system can't pin a process, so the two timings would not run alike"
        raise UsageError(message)
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for i in range(parsed.processes):
        for name in METHODS:
            found.console.print(f"process {i + 1} of {parsed.processes}: {name}", highlight=False)
            pairs[name] += in_fresh_process(measure, name, parsed.problem, cpus=cpus)
    return report(pairs, found)


def measure(name: str, problem: str) -> list[tuple[float, float]]:
    """Return pairs of median epochs in s, the harness's and the bare one; each goes first equally often."""
    workload = Workload.of(load(IMPLEMENTATIONS / f"{name}.py"), parse_problem(problem))
    n_epochs = train(workload).n_epochs
    bare = timer_median_s if METHODS[name] == "torch.utils.benchmark.Timer" else loop_median_s
    pairs = []
    for i in range(N_PAIRS):
        bare_first_s = bare(workload) if i % 2 else None
        harness_s = harness_median_s(workload, n_epochs)
        pairs.append((harness_s, bare_first_s or bare(workload)))
    return pairs


def harness_median_s(workload: Workload, n_epochs: int) -> float:
    """Time it as the harness's worker does."""
    job = Job(path="", framework="", devices=("cpu",), sample_s=SECONDS, unseen_seed=1)
    timed, *_ = time_trainings(workload, FrameworkObserver(), job, n_epochs)
    return float(np.median([s for training in timed for s in drop_warmup(training.epoch_s)]))


def timer_median_s(workload: Workload) -> float:
    """Time it by PyTorch's own benchmarking tool."""
    from torch.utils.benchmark import Timer  # noqa: PLC0415 - a process that times JAX must not load PyTorch

    state, batches = workload.start(), workload.batches(0)
    timer = Timer(
        "run_epoch(state, batches)",
        globals={"run_epoch": workload.implementation.run_epoch, "state": state, "batches": batches},
    )
    return timer.blocked_autorange(min_run_time=SECONDS).median


def loop_median_s(workload: Workload) -> float:
    """Time it by the simplest loop there is."""
    run_epoch, state, batches = workload.implementation.run_epoch, workload.start(), workload.batches(0)
    samples_s: list[float] = []
    gc.disable()
    stop = time.perf_counter() + SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        state = run_epoch(state, batches)
        samples_s.append(time.perf_counter() - start)
    gc.enable()
    return float(np.median(samples_s))


def report(pairs: Mapping[str, Sequence[tuple[float, float]]], found: Findings) -> int:
    """Print medians and ratios; return 0 if each ratio agrees within the tolerance."""
    columns = ("implementation", "compared with", "harness", "bare", "harness / bare", "quartiles", "verdict")
    table, statuses = Table(*columns), []
    for name, measured in pairs.items():
        harness_s, bare_s = np.array(measured).T
        low, ratio, high = np.quantile(harness_s / bare_s, (0.25, 0.5, 0.75))
        statuses.append(int(abs(ratio - 1) > TOLERANCE))
        verdict = f"off by more than {TOLERANCE:.0%}" if statuses[-1] else "agrees"
        times = (si(float(np.median(side_s)), "s") for side_s in (harness_s, bare_s))
        table.add_row(name, METHODS[name], *times, f"{ratio:.3f}", f"{low:.3f} to {high:.3f}", verdict)
    found.show(table)
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
