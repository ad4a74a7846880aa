"""What does a step over ranks pay for the collective? Times the bare all-reduce of a step's message.

    python -m benchmarks.studies.scaling.all_reduce [--ranks 2]

The message is the gradient and the loss, in float32, on the CPU. PyTorch calls the all-reduce from Python, as
an eager loop does; JAX runs 100 in one compiled scan, as its loops do. Each time is the slowest rank's.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TypeVar, cast

import numpy as np
from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.gang import agent_command
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.messages import Job
from benchmarks.worker.ranks import join, own_part, ranks_of
from benchmarks.worker.start import die_with, load, pin

LOOPS = {"torch": "torch_step_all_reduce", "jax": "jax_shard_map"}
N_FEATURES = (2, 256, 4096)
N_CALLS, N_SAMPLES = 100, 10
T = TypeVar("T")
MARK = "all-reduce: "
"""Before an answer: gloo also prints."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = study_parser(__doc__)
    parser.add_argument("--ranks", type=int, default=2, help="processes, with a core each; default: 2")
    return run_study(parser, _show, arguments)


def _show(parsed: argparse.Namespace) -> int:
    choose_cpus(parsed.ranks)
    table = Table("framework", "features", "message", "median of an all-reduce", "fastest")
    for framework in LOOPS:
        for n_features, median_s, fastest_s in _on_ranks(framework, parsed.ranks):
            times = (si(seconds, "s") for seconds in (median_s, fastest_s))
            table.add_row(framework, f"{n_features:,}", f"{4 * (n_features + 2):,} B", *times)
    Findings().show(table)
    return 0


def _on_ranks(framework: str, n_ranks: int) -> list[tuple[int, float, float]]:
    """Start the ranks by torchrun, and return what the first one prints."""
    agent = agent_command(sys.executable, n_ranks)
    environment = worker_environment(n_cores=1, cpu_only=True)
    done = subprocess.run(  # noqa: S603 - this module on this Python, without a shell
        [*agent, "benchmarks.studies.scaling.all_reduce", framework, "0"],
        env=environment | {"PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"{framework}: torchrun ended with exit status {done.returncode}; the reason is above"
        raise UsageError(message)
    found = (line.partition(MARK) for line in done.stdout.splitlines())
    return [tuple(json.loads(answer)) for _, mark, answer in found if mark]


def be_rank(framework: str) -> Iterator[tuple[int, float, float]]:
    """Time messages of each size; yield the features, and an all-reduce's median and least time in s."""
    n_ranks = int(os.environ["WORLD_SIZE"])
    job = Job(path="", framework=framework, devices=("cpu",), n_ranks=n_ranks, cpus=choose_cpus(n_ranks))
    ranks = ranks_of(job)
    pin(own_part(job, ranks).cpus)
    loop = load(Path(IMPLEMENTATIONS, f"{LOOPS[framework]}.py"))
    group = join(loop, ranks)
    make = {"torch": torch_all_reduces, "jax": jax_all_reduces}[framework]
    for n_features in N_FEATURES:
        reduce = make(cast("ModuleType", loop), n_features + 2)
        reduce()  # compiles
        samples_s = []
        for _ in range(N_SAMPLES):
            group.wait()
            start_s = perf_counter()
            reduce()
            samples_s.append(group.slowest(perf_counter() - start_s) / N_CALLS)
        if ranks.rank == 0:
            yield n_features, float(np.median(samples_s)), min(samples_s)
    group.leave()


def torch_all_reduces(loop: ModuleType, n_values: int) -> Callable[[], object]:
    """Return N_CALLS all-reduces of a message by torch.distributed."""
    message = loop.torch.zeros(n_values)

    def reduce() -> None:
        for _ in range(N_CALLS):
            loop.dist.all_reduce(message)

    return reduce


def jax_all_reduces(loop: ModuleType, n_values: int) -> Callable[[], object]:
    """Return N_CALLS all-reduces of a message in one compiled program."""
    jax, spec = loop.jax, loop.P()

    def repeat(message: T) -> T:
        reduced: T = jax.lax.scan(lambda m, _: (jax.lax.pmean(m, "rank"), None), message, length=N_CALLS)[0]
        return reduced

    mesh = loop.make_mesh("cpu")
    mapped = jax.jit(jax.shard_map(repeat, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    message = loop.put(np.zeros(n_values, np.float32), loop.NamedSharding(mesh, spec))
    return lambda: jax.block_until_ready(mapped(message))


if __name__ == "__main__":
    if "RANK" not in os.environ:
        sys.exit(main())
    die_with(int(sys.argv[2]))
    for found in be_rank(sys.argv[1]):
        sys.stdout.write(f"{MARK}{json.dumps(found)}\n")
    sys.stdout.flush()
    os._exit(0)
