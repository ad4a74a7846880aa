"""Where does the time of a step go? The same epoch with parts left out, one after another.

    python -m benchmarks.studies.ablation [--seconds 4] [-o FILE]

Measures the compiled epochs of both frameworks, each on the problem where it is farthest from the floor. A
shortened loop computes something else and is no result: it only shows the cost of the missing part.
All variants of a loop and the floor alternate within one pinned process; the fastest epoch of each counts.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import name_of, parse_problem
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.studies.fresh_process import in_fresh_process
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload

HEAD = """\
# Where does the time of a step go?

Written by `python -m benchmarks.studies.ablation`; don't edit. The compiled epoch of each framework, on the \
problem where it is farthest from the floor, with parts left out, one after another. A part costs the time \
that its absence saves, in this order: reading x is counted with the product that is left out last. All \
variants alternated within one process; the fastest epoch of each counts. A shortened loop computes \
something else and is no result."""
WHOLE = "nothing"


class Without(NamedTuple):
    """A part that is left out, in addition to the parts before it: text of the source that is replaced."""

    part: str
    old: str
    new: str


@dataclass(frozen=True)
class Study:
    """One implementation on one problem, and its parts in the order in which they are left out."""

    name: str
    problem: str
    parts: tuple[Without, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Return the names of the floor, the whole loop, and the loop without one more part each time."""
        return (FLOOR, WHOLE, *(without.part for without in self.parts))


LOSS = Without(
    "the loss's two logarithms and their clamps",
    old="F.binary_cross_entropy(torch.sigmoid(logit), y)",
    new="(torch.sigmoid(logit) - y).square().mean()",
)
SIGMOID = Without("the sigmoid", old="torch.sigmoid(logit)", new="logit")
PRODUCT = Without(
    "the product x·w, and so its derivative",
    old="criterion(x @ parameters[:-1] + parameters[-1], y)",
    new="criterion(parameters[:-1].sum() + parameters[-1] + y, y)",
)
BACKWARD = Without(
    "the product xᵀ·d of the backward pass",
    old="jnp.append(x @ d_logit, jnp.sum(d_logit))",
    new="jnp.append(d_logit[: len(x)], jnp.sum(d_logit))",
)
FORWARD = Without(
    "the product x·w of the forward pass",
    old="loss_of(parameters[:-1] @ x + parameters[-1], y)",
    new="loss_of(parameters.sum() + x[0], y)",
)
STUDIES = (
    Study("torch_epoch", "book,n_batches=100", (LOSS, SIGMOID, PRODUCT)),
    Study("jax_scan_fused_hand", "wide,n_batches=100", (BACKWARD, FORWARD)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = study_parser(__doc__, writes_page=True)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each variant; default: %(default)s")
    return run_study(parser, _ablate, arguments)


def _ablate(parsed: argparse.Namespace) -> int:
    found, cpus = Findings(), choose_cpus(1)
    for number, study in enumerate(STUDIES):
        fastest_s = in_fresh_process(fastest_steps, number, parsed.seconds, cpus=cpus)
        found.show(f"{study.name} on {name_of(parse_problem(study.problem))}:")
        found.show(table_of(study, fastest_s))
    found.write(parsed.output, HEAD, cpus)
    return 0


def fastest_steps(number: int, seconds: float) -> dict[str, float]:
    """Alternate between a study's variants and the floor; return the fastest step of each, in s."""
    study = STUDIES[number]
    problem = parse_problem(study.problem)
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-ablation-") as folder:
        files = {FLOOR: IMPLEMENTATIONS / f"{FLOOR}.py", **variants_of(study, Path(folder))}
        modules = {part: load(file) for part, file in files.items()}
        if reasons := [reason for module in modules.values() if (reason := module.unavailable("cpu"))]:
            sys.exit(reasons[0])
        workloads = {part: Workload.of(module, problem) for part, module in modules.items()}
        # The variants share one copy of the batches: several copies would not fit into the caches.
        batches = dict.fromkeys(workloads, workloads[WHOLE].batches(0))
        batches[FLOOR] = workloads[FLOOR].batches(0)
        states = {
            part: workload.implementation.run_epoch(workload.start(), batches[part])
            for part, workload in workloads.items()  # and compile
        }
        epochs_s: dict[str, list[float]] = {part: [] for part in workloads}
        stop = time.perf_counter() + seconds * len(workloads)
        while not epochs_s[FLOOR] or time.perf_counter() < stop:
            for part, workload in workloads.items():
                start = time.perf_counter()
                states[part] = workload.implementation.run_epoch(states[part], batches[part])
                epochs_s[part].append(time.perf_counter() - start)
    return {part: min(all_s) / problem.n_batches for part, all_s in epochs_s.items()}


def variants_of(study: Study, folder: Path) -> dict[str, Path]:
    """Write copies of the implementation, each without one more part; return them after the original.

    Raises:
        UsageError: the source has changed, so that a part is not in it.
    """
    source = (IMPLEMENTATIONS / f"{study.name}.py").read_text(encoding="utf-8")
    files = {WHOLE: IMPLEMENTATIONS / f"{study.name}.py"}
    for i, without in enumerate(study.parts):
        if source.count(without.old) != 1:
            n_found = source.count(without.old)
            message = f"{study.name}: expected {without.old!r} once, found it {n_found} times"
            raise UsageError(message)
        source = source.replace(without.old, without.new)
        files[without.part] = folder / f"without_{i}.py"
        files[without.part].write_text(source, encoding="utf-8")
    return files


def table_of(study: Study, fastest_s: dict[str, float]) -> Table:
    """Return a table of the cost of each part, and of the step without all of them."""
    floor_s, whole_s, *left_s = (fastest_s[part] for part in study.measured)
    table = Table("part of a step", "takes", "of the whole")
    for without, (before_s, after_s) in zip(study.parts, pairwise((whole_s, *left_s)), strict=True):
        cost_s = before_s - after_s  # negative if noise exceeds the cost
        sign = "-" if cost_s < 0 else ""
        table.add_row(without.part, sign + si(abs(cost_s), "s"), f"{cost_s / whole_s:.0%}")
    table.add_row("what is left", si(left_s[-1], "s"), f"{left_s[-1] / whole_s:.0%}")
    table.add_row("the whole step", si(whole_s, "s"), f"{whole_s / floor_s:.2f} times the floor's")
    table.add_row("the floor's", si(floor_s, "s"), "")
    return table


if __name__ == "__main__":
    sys.exit(main())
