"""False-alarm and miss rates of `ab`: real comparisons on a machine that is busy with another program.

    python -m benchmarks.studies.error_rates_measure [--same 20] [--slower 10] [-o FILE]

Runs whole comparisons of `torch_eager` and `jax_scan` on `book` while another process uses the measured core
a third of the time. In some comparisons the sides are equal; in others, work is added to each timed epoch of
the new side. Its true size is measured first, without the load, by alternating epochs within each of several
fresh processes. Each comparison is a line of the file, with samples of every process. An interrupted study
resumes.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.ab.pairs import PairedCase, PairedRun
from benchmarks.cases.implementations import read_entry
from benchmarks.cases.problems import name_of
from benchmarks.compare.result import SIDES
from benchmarks.compare.rule import Category, Rule
from benchmarks.paths import CODE, IMPLEMENTATIONS
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.dispatch import Dispatcher
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.system import choose_cpus, collect_provenance, spare_cpus
from benchmarks.studies.findings import run_study, study_parser
from benchmarks.studies.slowdown import PROBLEM, slow_copy

NAMES = ("torch_eager", "jax_scan")
OUTPUT = CODE / "results" / "error_rates" / "live.jsonl"

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
"""Uses a third of the measured core's time, in bursts of 0.1 s of its own CPU time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparisons that are missing, and print the error rates; return the exit status."""
    parser = study_parser(__doc__)
    for kind, n, of in (("same", 20, "equal sides"), ("slower", 10, "a slower new side")):
        parser.add_argument(f"--{kind}", type=int, default=n, help=f"comparisons of {of}; default: {n}")
    parser.add_argument(
        "-o", "--output", type=Path, default=OUTPUT, metavar="FILE", help=f"default: {OUTPUT}"
    )
    return run_study(parser, _measure, arguments)


def _measure(parsed: argparse.Namespace) -> int:
    console, cpus = Console(width=120, highlight=False), choose_cpus(1)
    parsed.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-study-") as folder:
        copies = {name: slow_copy(name, Path(folder), cpus) for name in NAMES}
        for name, copy in copies.items():
            console.print(f"{name}: the added work makes an epoch {copy.size:+.2%} longer")
        files = {
            "same": {name: IMPLEMENTATIONS / f"{name}.py" for name in NAMES},
            "slower": {name: copy.file for name, copy in copies.items()},
        }
        added = {name: {"n_loops": copy.n_loops, "sizes": copy.sizes} for name, copy in copies.items()}
        with busy(*cpus) as cpu_s:
            for kind in kinds_to_run(parsed.output, {kind: getattr(parsed, kind) for kind in files}):
                begin, begin_cpu_s = time.monotonic(), cpu_s()
                line = compare(files[kind], cpus, console)
                load = (cpu_s() - begin_cpu_s) / (time.monotonic() - begin)
                line |= {"kind": kind, "load": load, "added": added if kind == "slower" else {}}
                append(parsed.output, line)
                found = ", ".join(f"{name} {case['category']}" for name, case in line["cases"].items())
                shares = f"{line['wall_s']:.0f} s; the load took {load:.0%} of the core"
                console.print(f"{kind}: {found}, {shares}")
    return summarize(parsed.output, console)


def kinds_to_run(output: Path, wanted: Mapping[str, int]) -> Iterator[str]:
    """Return the kinds that are still missing, alternately, so that both are measured at the same hours."""
    done = Counter(line["kind"] for line in read_lines(output))
    while any(done[kind] < wanted[kind] for kind in wanted):
        kind = min(wanted, key=lambda kind: done[kind] / wanted[kind] if wanted[kind] else 1.0)
        yield kind
        done[kind] += 1


def append(output: Path, line: dict[str, Any]) -> None:
    """Add a comparison; it replaces a last line that was cut off."""
    text = output.read_text(encoding="utf-8") if output.exists() else ""
    with output.open("a", encoding="utf-8") as file:
        file.truncate(len(text[: text.rfind("\n") + 1].encode()))
        file.write(json.dumps(line) + "\n")


def read_lines(output: Path) -> list[dict[str, Any]]:
    """Read the comparisons so far, without a last line that was cut off."""
    lines = output.read_text(encoding="utf-8").splitlines(keepends=True) if output.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def compare(new_files: Mapping[str, Path], cpus: tuple[int, ...], console: Console) -> dict[str, Any]:
    """Run one comparison, as `perceptron-bench ab` does, and return it in JSON's types."""
    paired_cases = []
    for name, file in new_files.items():
        entries = zip(SIDES, map(read_entry, (IMPLEMENTATIONS / f"{name}.py", file)), strict=True)
        sides = {side: CaseResult(Case(entry, "cpu", PROBLEM)) for side, entry in entries}
        paired_cases.append(PairedCase(name, f"{name}-cpu-{name_of(PROBLEM)}", Rule(), sides))
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder, RoundsProgress(console) as shown:
        dispatcher = Dispatcher(
            folder=Path(folder),
            progress=shown,
            cpus=cpus,
            spare_cpus=spare_cpus(cpus),
            worker_timeout_s=120.0,
            wakes=False,
        )
        paired_run = PairedRun(paired_cases, dispatcher, secrets.token_hex(8))
        verdicts = paired_run.run()
    if paired_run.interrupted:
        raise KeyboardInterrupt
    return {
        "provenance": asdict(collect_provenance(cpus)),
        "wall_s": time.monotonic() - start,
        "seed": paired_run.seed,
        "cases": {
            paired_case.implementation: {
                "category": verdict.category,
                "reason": verdict.reason,
                "decision": verdict.decision and asdict(verdict.decision),
                **{side: processes_of(paired_case.results[side]) for side in SIDES},
            }
            for paired_case, verdict in zip(paired_cases, verdicts, strict=True)
        },
    }


def processes_of(case_result: CaseResult) -> list[dict[str, Any]]:
    """Return each process's figures and its kept samples, ascending."""
    kept_s = iter(case_result.kept_s)
    return [
        {
            "pair": process.round,
            "position": process.position,
            **{name: getattr(process, name) for name in ("min_s", "median_s", "mean_s", "n_samples")},
            "kept_s": [float(f"{next(kept_s):.5g}") for _ in range(process.n_kept)],
        }
        for process in case_result.processes
    ]


@contextmanager
def busy(cpu: int) -> Iterator[Callable[[], float]]:
    """Use a third of the core's time; yield a function that returns the CPU time so far, in s (on Linux)."""
    with subprocess.Popen([sys.executable, "-c", LOAD, str(cpu), str(os.getpid())]) as process:  # noqa: S603 - this Python runs our own text, without a shell

        def cpu_s() -> float:
            after_name = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
            return sum(map(int, after_name.split()[11:13])) / os.sysconf("SC_CLK_TCK")  # utime, stime

        try:
            yield cpu_s
        finally:
            process.kill()


def summarize(output: Path, console: Console) -> int:
    """Print the rates; return 0 if no slowdown is missed and at most 1 of 20 comparisons is a false alarm."""
    wrong = Counter[str]()
    walls_s: dict[str, list[float]] = {"same": [], "slower": []}
    for line in read_lines(output):
        kind, found = line["kind"], {case["category"] for case in line["cases"].values()}
        walls_s[kind].append(line["wall_s"])
        is_wrong = found & {Category.SLOWER, Category.FASTER} if kind == "same" else found - {Category.SLOWER}
        wrong[kind] += bool(is_wrong)
    n_same, n_slower = map(len, walls_s.values())
    for kind, all_s in walls_s.items():
        if all_s:
            console.print(f"{kind}: {len(all_s)} comparisons, {np.median(all_s):.0f} s each (median)")
    console.print(f"false alarms: {wrong['same']} of {n_same}; missed: {wrong['slower']} of {n_slower}")
    return 0 if wrong["same"] <= n_same / 20 and not wrong["slower"] else 1


if __name__ == "__main__":
    sys.exit(main())
