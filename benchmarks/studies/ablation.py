"""Where does the time of a step go? The same epoch with parts of it left out, one after another.

    python -m benchmarks.studies.ablation [--seconds 4] [-o FILE]

For the compiled epochs of both frameworks, each where it is farther from the floor than it should be. What is
left computes something else, so no line is a result: it tells what the part that it lacks had cost. The
variants of a loop, and the floor, alternate within one pinned process; of each the fastest epoch counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.analysis.cells import si
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import name_of, parse_problem
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.studies.findings import Findings, add_output
from benchmarks.terminal import Terminal
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.start import load, pin
from benchmarks.worker.training import Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "Where does the time of a step go?"
ABOUT = """\
Written by `python -m benchmarks.studies.ablation`; don't edit. The compiled epoch of either \
framework, where it is farther from the floor than it should be, with parts left out, one after another: \
a part costs what its \
lack saves, in this order: reading x is charged to the product that is left out last. All alternated within \
one process; of each the fastest epoch counts. What is left computes something else, and is no result."""
WHOLE = "nothing"


@dataclass(frozen=True, kw_only=True)
class Without:
    """A part that is left out, besides those before it: one text of the source in the place of another."""

    part: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """One implementation on one problem, and its parts in the order in which they are taken away."""

    name: str
    problem: str
    parts: tuple[Without, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Name what is measured: the floor, the whole loop, and the loop without one more part each time."""
        return (FLOOR, WHOLE, *(without.part for without in self.parts))


STUDIES = (
    Study(
        name="torch_epoch",
        problem="book,n_batches=100",
        parts=(
            Without(
                part="the loss's two logarithms and their clamps",
                old="F.binary_cross_entropy(torch.sigmoid(logit), y)",
                new="(torch.sigmoid(logit) - y).square().mean()",
            ),
            Without(part="the sigmoid", old="torch.sigmoid(logit)", new="logit"),
            Without(
                part="the product x·w, and so its derivative",
                old="criterion(x @ parameters[:-1] + parameters[-1], y)",
                new="criterion(parameters[:-1].sum() + parameters[-1] + y, y)",
            ),
        ),
    ),
    Study(
        name="jax_scan_packed",
        problem="wide,n_batches=100",
        parts=(
            Without(
                part="the product xᵀ·d of the backward pass",
                old="d_weight = x.T @ d_logit if x.shape[1] <= NARROW else d_logit @ x",
                new="d_weight = d_logit[: x.shape[1]]",
            ),
            Without(
                part="the product x·w of the forward pass",
                old="loss_of(x @ weight + bias, y)",
                new="loss_of(weight.sum() + bias + x[:, 0], y)",
            ),
        ),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="for each variant; default: %(default)s")
    add_output(parser)
    parsed = parser.parse_args(arguments)
    found, cpus = Findings(Terminal(width=120)), choose_cpus(1)
    for number, study in enumerate(STUDIES):
        fastest_s = measure(number, parsed.seconds, str(cpus[0]) if cpus else "")
        if fastest_s is None:
            found.console.print(f"{study.name}: could not be measured, for the reason above")
            return 1
        found.show(f"{study.name} on {name_of(parse_problem(study.problem))}:")
        found.show(table_of(study, fastest_s))
    if parsed.output:
        try:
            found.write(parsed.output, title=TITLE, about=ABOUT, provenance=collect_provenance(cpus))
        except UsageError as error:
            parser.error(str(error))
    return 0


def measure(number: int, seconds: float, cpu: str) -> dict[str, float] | None:
    """Give each variant's fastest step in s, from one process under workers' variables; None: it failed."""
    done = subprocess.run(  # noqa: S603 - this Python, our own code
        [sys.executable, "-P", "-c", IN_PROCESS, str(number), str(seconds), cpu],
        env=worker_environment(n_cores=1),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return None if done.returncode else json.loads(done.stdout)


IN_PROCESS = "import sys; from benchmarks.studies.ablation import fastest_steps; fastest_steps(*sys.argv[1:])"


def fastest_steps(number: str, seconds: str, cpu: str) -> None:
    """Alternate between a study's variants and the floor, and print each one's fastest step as JSON."""
    if cpu:
        pin((int(cpu),))
    study = STUDIES[int(number)]
    problem = parse_problem(study.problem)
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-ablation-") as folder:
        files = {FLOOR: IMPLEMENTATIONS / f"{FLOOR}.py", **variants_of(study, Path(folder))}
        modules = {part: load(file) for part, file in files.items()}
        if reasons := [reason for module in modules.values() if (reason := module.unavailable("cpu"))]:
            sys.exit(reasons[0])
        workloads = {part: Workload.of(module, problem) for part, module in modules.items()}
        # One copy for all variants: each with its own, none would find in the caches what it can find alone.
        batches = dict.fromkeys(workloads, workloads[WHOLE].batches(0))
        batches[FLOOR] = workloads[FLOOR].batches(0)
        states = {
            part: workload.implementation.run_epoch(workload.start(), batches[part])
            for part, workload in workloads.items()  # and compile
        }
        epochs_s: dict[str, list[float]] = {part: [] for part in workloads}
        stop = time.perf_counter() + float(seconds) * len(workloads)
        while not epochs_s[FLOOR] or time.perf_counter() < stop:
            for part, workload in workloads.items():
                start = time.perf_counter()
                states[part] = workload.implementation.run_epoch(states[part], batches[part])
                epochs_s[part].append(time.perf_counter() - start)
    json.dump({part: min(all_s) / problem.n_batches for part, all_s in epochs_s.items()}, sys.stdout)


def variants_of(study: Study, folder: Path) -> dict[str, Path]:
    """Write the implementation as it is, and with one more part left out each time.

    Raises:
        ValueError: the source has changed, so that a part is not found there.

    """
    source = (IMPLEMENTATIONS / f"{study.name}.py").read_text(encoding="utf-8")
    files = {WHOLE: IMPLEMENTATIONS / f"{study.name}.py"}
    for i, without in enumerate(study.parts):
        if source.count(without.old) != 1:
            message = (
                f"{study.name}: expected {without.old!r} once, found it {source.count(without.old)} times"
            )
            raise ValueError(message)
        source = source.replace(without.old, without.new)
        files[without.part] = folder / f"without_{i}.py"
        files[without.part].write_text(source, encoding="utf-8")
    return files


def table_of(study: Study, fastest_s: dict[str, float]) -> Table:
    """Say what each part costs, and what is left when all are gone."""
    floor_s, whole_s, *left_s = (fastest_s[part] for part in study.measured)
    table = Table("part of a step", "takes", "of the whole")
    for without, (before_s, after_s) in zip(study.parts, pairwise((whole_s, *left_s)), strict=True):
        cost_s = before_s - after_s  # below 0 where the machine was noisier than the part is large
        sign = "-" if cost_s < 0 else ""
        table.add_row(without.part, sign + si(abs(cost_s), "s"), f"{cost_s / whole_s:.0%}")
    table.add_row("what is left", si(left_s[-1], "s"), f"{left_s[-1] / whole_s:.0%}")
    table.add_row("the whole step", si(whole_s, "s"), f"{whole_s / floor_s:.2f} times the floor's")
    table.add_row("the floor's", si(floor_s, "s"), "")
    return table


if __name__ == "__main__":
    sys.exit(main())
