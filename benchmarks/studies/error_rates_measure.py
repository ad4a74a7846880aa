"""Does `ab` cry wolf, and does it sleep? Real comparisons on a machine that is busy with something else.

    python -m benchmarks.studies.error_rates_measure [--same 20] [--slower 10] [-o FILE]

Runs whole comparisons of `torch_eager` and `jax_scan` on `book` while another process wants the measured core
a third of the time: some with two equal sides, some where work is added to each timed epoch of the new
side. Its true size is measured first, without the load, by alternating epochs within each of several fresh
processes. Each comparison is a line in the file, with samples of every process; a study that was cut short
goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from benchmarks.ab.pairs import SIDES, PairedCase, PairedRun
from benchmarks.cases.implementations import read_entry
from benchmarks.cases.problems import name_of
from benchmarks.compare.rule import Category, Rule
from benchmarks.paths import IMPLEMENTATIONS, ROOT
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import Dispatcher
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.studies.slowdown import PROBLEM, slow_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAMES = ("torch_eager", "jax_scan")
OUTPUT = ROOT / "results" / "error_rates" / "live.jsonl"

LOAD = """
import os, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
begin = time.perf_counter()
while os.getppid() == int(sys.argv[2]):  # not orphaned
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    time.sleep(max(0.0, begin + 3 * end - time.perf_counter()))
"""
"""Takes a third of the measured core's time, the worst place, in bursts of 0.1 s of its own CPU time."""


def main() -> int:
    """Run what is missing of the study, and sum it up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--same", type=int, default=20, help="comparisons of equal sides; default: %(default)s"
    )
    parser.add_argument("--slower", type=int, default=10, help="of a slower new side; default: %(default)s")
    parser.add_argument(
        "-o", "--output", type=Path, default=OUTPUT, metavar="FILE", help="default: %(default)s"
    )
    parsed = parser.parse_args()
    console, (cpu,) = Console(width=120), choose_cpus(1)
    parsed.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-study-") as folder:
        files = {
            kind: {name: IMPLEMENTATIONS / f"{name}.py" for name in NAMES} for kind in ("same", "slower")
        }
        copies = {name: slow_copy(name, Path(folder), cpu) for name in NAMES}
        for name, copy in copies.items():
            files["slower"][name] = copy.file
            console.print(f"{name}: the added work makes an epoch {copy.size:+.2%} longer", highlight=False)
        added = {name: {"n_loops": copy.n_loops, "sizes": copy.sizes} for name, copy in copies.items()}
        with busy(cpu) as cpu_s:
            for kind in kinds_to_run(parsed.output, {"same": parsed.same, "slower": parsed.slower}):
                begin, begin_cpu_s = time.monotonic(), cpu_s()
                line = compare(files[kind], (cpu,), console)
                load = (cpu_s() - begin_cpu_s) / (time.monotonic() - begin)
                line |= {"kind": kind, "load": load, "added": added if kind == "slower" else {}}
                append(parsed.output, line)
                found = {name: case["category"] for name, case in line["cases"].items()}
                console.print(
                    f"{kind}: {found}, {line['wall_s']:.0f} s; the load took {load:.0%} of the core",
                    highlight=False,
                )
    return summarize(parsed.output, console)


def kinds_to_run(output: Path, wanted: Mapping[str, int]) -> Iterator[str]:
    """Give what is still missing, the two kinds by turns, so that both see the same hours."""
    done = Counter(line["kind"] for line in read_lines(output))
    while any(done[kind] < wanted[kind] for kind in wanted):
        kind = min(wanted, key=lambda kind: done[kind] / wanted[kind] if wanted[kind] else 1.0)
        yield kind
        done[kind] += 1


def append(output: Path, line: dict[str, Any]) -> None:
    """Add a comparison, in the place of one that was cut off, if there is such."""
    text = output.read_text(encoding="utf-8") if output.exists() else ""
    with output.open("a", encoding="utf-8") as file:
        file.truncate(len(text[: text.rfind("\n") + 1].encode()))
        file.write(json.dumps(line) + "\n")


def read_lines(output: Path) -> list[dict[str, Any]]:
    """Read the comparisons so far; a last line that was cut off is none."""
    lines = output.read_text(encoding="utf-8").splitlines(keepends=True) if output.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def compare(new_files: Mapping[str, Path], cpus: tuple[int, ...], console: Console) -> dict[str, Any]:
    """Run one comparison, as `perceptron-bench ab` does, and give it as JSON's types."""
    paired_cases = []
    for name, file in new_files.items():
        entries = dict(
            zip(SIDES, (read_entry(IMPLEMENTATIONS / f"{name}.py"), read_entry(file)), strict=True)
        )
        case_results = {side: CaseResult(Case(entry, "cpu", PROBLEM)) for side, entry in entries.items()}
        paired_cases.append(PairedCase(name, f"{name}-cpu-{name_of(PROBLEM)}", Rule(), case_results))
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder, RoundsProgress(console) as shown:
        dispatcher = Dispatcher(folder=Path(folder), progress=shown, cpus=cpus, worker_timeout_s=120.0)
        paired_run = PairedRun(paired_cases, dispatcher, seed=time.time_ns() % 2**32)
        verdicts = paired_run.run()
    if paired_run.interrupted:
        raise KeyboardInterrupt
    return {
        "provenance": asdict(collect_provenance(cpus)),
        "wall_s": time.monotonic() - start,
        "cases": {
            paired_case.implementation: {
                "category": verdict.category,
                "reason": verdict.reason,
                "decision": verdict.decision and asdict(verdict.decision),
                **{side: processes_of(paired_case.case_results[side]) for side in SIDES},
            }
            for paired_case, verdict in zip(paired_cases, verdicts, strict=True)
        },
    }


def processes_of(case_result: CaseResult) -> list[dict[str, Any]]:
    """Give each process's figures and the samples that were kept of it, ascending."""
    found, start = [], 0
    for process in case_result.processes:
        kept_s = case_result.kept_s[start : start + process.n_kept]
        start += process.n_kept
        found.append(
            {
                "pair": process.round,
                "min_s": process.min_s,
                "median_s": process.median_s,
                "mean_s": process.mean_s,
                "n_samples": process.n_samples,
                "kept_s": [float(f"{seconds:.5g}") for seconds in kept_s],  # evenly spaced in rank
            }
        )
    return found


@contextmanager
def busy(cpu: int) -> Iterator[Callable[[], float]]:
    """Take a third of the core's time; give what tells how much that was so far, in s (on Linux)."""
    with subprocess.Popen([sys.executable, "-c", LOAD, str(cpu), str(os.getpid())]) as process:  # noqa: S603 - our own text

        def cpu_s() -> float:
            after_name = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
            return sum(map(int, after_name.split()[11:13])) / os.sysconf("SC_CLK_TCK")  # utime, stime

        try:
            yield cpu_s
        finally:
            process.kill()


def summarize(output: Path, console: Console) -> int:
    """Say what was found; 0 where at most one comparison in 20 cried wolf and none slept."""
    lines = read_lines(output)
    changed = (Category.SLOWER, Category.FASTER)
    alarms = sum(
        any(case["category"] in changed for case in line["cases"].values())
        for line in lines
        if line["kind"] == "same"
    )
    missed = sum(
        any(case["category"] != Category.SLOWER for case in line["cases"].values())
        for line in lines
        if line["kind"] == "slower"
    )
    counts = Counter(line["kind"] for line in lines)
    for kind, n in counts.items():
        walls_s = [line["wall_s"] for line in lines if line["kind"] == kind]
        console.print(f"{kind}: {n} comparisons, {np.median(walls_s):.0f} s each (median)", highlight=False)
    console.print(f"false alarms: {alarms} of {counts['same']}; missed: {missed} of {counts['slower']}")
    return 0 if alarms <= counts["same"] / 20 and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
