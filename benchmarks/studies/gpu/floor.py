"""How far is the floor on a GPU from what the GPU could do? Launches, steps, and the time to read a batch.

    python -m benchmarks.studies.gpu.floor [-o FILE]

The floor is verified first, with whatever trains. Each time is the fastest of several epochs.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes import addressof, c_longlong
from functools import partial
from timeit import repeat
from types import SimpleNamespace
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload, train
from impls import _cuda, _native_cuda
from impls.contract import Device, Parameters, Problem

HEAD = """\
# How far is the floor on a GPU from what the GPU could do?

Written by `python -m benchmarks.studies.gpu.floor`; don't edit. `native_floor` on a GPU: verified, then the \
fastest of several epochs."""

SIZES = (
    *((2, size) for size in (1, 32, 1000, 4000, 16_000, 100_000, 1_000_000)),
    *((256, size) for size in (32, 1000, 10_000, 100_000)),
)
"""Features, and rows of a batch."""

VERIFIED = {
    "narrow": Problem(batch_size=4000, n_batches=3, last_batch_size=1001, n_epochs=3),
    "wide": Problem(n_features=256, batch_size=500, n_batches=3, last_batch_size=101, n_epochs=3),
}
"""On these the floor is verified whatever trains: each scope is timed where it would not be chosen, too."""

SCOPES = {_native_cuda.BLOCK: "block", _native_cuda.CLUSTER: "cluster", _native_cuda.GRID: "grid"}
STEPS = (1, 10, 100, 1000)
EPOCH_BYTES = 1 << 28  # several times the second-level cache, where the batches are large
N_TIMES = 20
SLOWEST = 64
"""A block or a cluster is not timed where each of its threads, or warps, would have more rows than this."""

READER = """
extern "C" __global__ void __launch_bounds__(1024, 2) read_all(const long long n, const float4 *const x) {
    float sum = 0;
#pragma unroll 4
    for (long long i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const float4 each = x[i];
        sum += each.x + each.y + each.z + each.w;
    }
    if (sum == 12345.678f) asm volatile("trap;"); /* so that the sum is needed */
}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and measure; return 0 if the floor is right."""
    return run_study(study_parser(__doc__, writes_page=True), _measure, arguments)


def _measure(parsed: argparse.Namespace) -> int:
    found, cpus = Findings(), choose_cpus(1)
    pin(cpus)
    floor: Any = load(IMPLEMENTATIONS / f"{FLOOR}.py")
    if reason := floor.unavailable("cuda"):
        message = f"no floor to measure: {reason}"
        raise UsageError(message)
    cases = [*cases_of(floor)]
    wrong = [fault for case in cases if (fault := fault_of(*case))]
    found.show("; ".join(wrong) or "verified: " + ", ".join(name for _, name, _ in cases))
    bandwidth = bytes_per_s()
    found.show(f"reading {EPOCH_BYTES / 1e6:.0f} MB: {bandwidth / 1e9:.0f} GB/s")
    found.show(lengths())
    found.show(step_table(bandwidth))
    found.write(parsed.output, HEAD, cpus)
    return 1 if wrong else 0


def cases_of(floor: Any) -> Iterator[tuple[Any, str, Problem]]:  # noqa: ANN401 - a module, or a namespace in its place
    """Yield what is verified: the floor as it is on the named problems, and each scope; and their names."""
    for name, problem in NAMED.items():
        yield floor, name, problem
    for scope, title in SCOPES.items():
        scoped = SimpleNamespace(**vars(floor) | {"prepare": partial(_prepare, scope)})
        for name, problem in VERIFIED.items():
            yield scoped, f"{name}, {title}", problem


def _prepare(scope: int, problem: Problem, parameters: Parameters, _: Device) -> _native_cuda.State:
    return _native_cuda.prepare(problem, parameters, scope)


def fault_of(floor: Any, name: str, problem: Problem) -> str | None:  # noqa: ANN401 - a module, or a namespace in its place
    """Train and return how far a loss is off, if it is not within its tolerance."""
    reference = reference_for(problem)
    trained = train(Workload.of(floor, problem, "cuda"))
    off = (abs(trained.losses - reference.training.losses) - reference.ambiguity).max()
    return None if off <= tolerances(problem)[0] else f"{name}: WRONG, a loss is off by {off:.2g}"


def epoch_s(problem: Problem, scope: int | None = None) -> float:
    """Return the time of the fastest epoch, in s; the values of the batches do not matter."""
    shape = (problem.batch_size, problem.n_features)
    random = np.random.default_rng(0)
    x, y = random.standard_normal(shape, np.float32), random.integers(0, 2, shape[0]).astype(np.float32)
    parameters = Parameters(np.zeros(problem.n_features, np.float32), np.zeros((), np.float32))
    batches = _native_cuda.place(problem, [(x, y)] * problem.n_batches)
    state = _native_cuda.prepare(problem, parameters, scope)
    return fastest_s(partial(state.run_epoch, batches))


def fastest_s(run: Callable[[], None]) -> float:
    """Return the shortest of several times, in s; a first one is left out."""
    return min(repeat(run, number=1, repeat=1 + N_TIMES)[1:])


def bytes_per_s() -> float:
    """Return the bandwidth of reading, in bytes per second; the time to launch is left out."""
    gpu = _cuda.gpu()
    n_blocks = 2 * gpu.n_multiprocessors
    launch = _cuda.Launch(
        n_blocks=n_blocks, n_threads=1024, shared_bytes=0, is_cluster=False, is_cooperative=False
    )
    code, _ = _cuda.compiled(READER, [f"--gpu-architecture={gpu.architecture}"])
    kernel = _cuda.Kernel(code, "read_all", launch)
    memory = _cuda.Memory(np.ones(EPOCH_BYTES // 4, np.float32))
    all_of_it, nothing, pointer = c_longlong(EPOCH_BYTES // 16), c_longlong(0), c_longlong(memory.pointer)
    read_s, launch_s = (
        fastest_s(partial(kernel.run, addressof(n), addressof(pointer))) for n in (all_of_it, nothing)
    )
    return EPOCH_BYTES / (read_s - launch_s)


def lengths() -> Table:
    """Time epochs of `book` of several lengths; return their times, and the line through them."""
    times_s = [epoch_s(Problem(n_batches=n)) for n in STEPS]
    slope_s, intercept_s = np.polyfit(STEPS, times_s, 1, w=1 / np.array(times_s))
    table = Table("steps", *map(str, STEPS), "launch and wait", "a step more")
    table.add_row(
        "epoch", *(si(each, "s") for each in times_s), si(float(intercept_s), "s"), si(float(slope_s), "s")
    )
    return table


def step_table(bandwidth: float) -> Table:
    """Time a step by what trains, and compare the chosen one with reading its batch at this bandwidth."""
    table = Table("features", "rows", *SCOPES.values(), "chosen", "reading", "chosen / reading")
    for n_features, batch_size in SIZES:
        n_bytes = 4 * batch_size * (n_features + 1)
        problem = Problem(n_features=n_features, batch_size=batch_size, n_batches=n_batches_of(n_bytes))
        chosen = _native_cuda.plan_of(problem, _cuda.gpu()).scope
        steps_s = {
            scope: step_s(problem, scope)
            for scope in SCOPES
            if scope == chosen or is_sensible(problem, scope)
        }
        read_s = n_bytes / bandwidth
        cells = (si(steps_s[scope], "s") if scope in steps_s else "" for scope in SCOPES)
        ratio = f"{steps_s[chosen] / read_s:.2f}"
        table.add_row(str(n_features), str(batch_size), *cells, SCOPES[chosen], si(read_s, "s"), ratio)
    return table


def n_batches_of(n_bytes: int) -> int:
    """Return how many batches of this size make an epoch that is larger than the cache, up to 1000."""
    return max(2, min(1000, EPOCH_BYTES // n_bytes))


def is_sensible(problem: Problem, scope: int) -> bool:
    """Check that no thread, or warp, has very many rows, and that no block would be without a row."""
    launch = _native_cuda.plan_of(problem, _cuda.gpu(), scope).launch
    lanes = 1 if problem.n_features <= _native_cuda.NARROW else _native_cuda.WARP
    n_at_once = launch.n_blocks * launch.n_threads // lanes
    return problem.batch_size <= SLOWEST * n_at_once and (launch.n_blocks > 1 or scope == _native_cuda.BLOCK)


def step_s(problem: Problem, scope: int) -> float:
    """Return the time of a step in an epoch, without launching it, in s."""
    shorter = Problem(n_features=problem.n_features, batch_size=problem.batch_size, n_batches=1)
    return (epoch_s(problem, scope) - epoch_s(shorter, scope)) / (problem.n_batches - 1)


if __name__ == "__main__":
    sys.exit(main())
