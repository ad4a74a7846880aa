"""How far shown times are from their cost, and how often the check of it is wrong about an honest loop.

    python -m benchmarks.studies.conservation [--rows 1000] [--spinning 2] [-o FILE]

Measures each implementation in its own processes, on the named problems, and judges each process alone,
as a run with one round does. With --spinning, that many other processes use the measured core all the time.
Each row is a line of the file; an interrupted study resumes.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.cases.implementations import REFERENCE, ImplementationFile, discover
from benchmarks.cases.problems import NAMED
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.report.tables.markdown import markdown_table
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.launch import launch
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.studies.error_rates_measure import append, read_lines
from benchmarks.studies.findings import run_study, study_parser
from benchmarks.verify.conservation import judge
from benchmarks.worker.messages import Job, Measurement

OUTPUT = CODE / "results" / "error_rates" / "conservation.jsonl"
VERDICTS = (Verdict.VERIFIED, Verdict.NOT_MEASURED, Verdict.INVALID)
QUANTILES = ("1 %", "median", "99 %")
HEADS = (
    *("implementation", "rows", *VERDICTS),
    *(f"{shown}: {quantile}" for shown in ("fastest", "typical") for quantile in QUANTILES),
)

SPIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
while os.getppid() == int(sys.argv[2]):  # not orphaned
    pass
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the rows that are missing, and print the table; return the exit status."""
    parser = study_parser(__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows to have in the end; default: 1000")
    parser.add_argument("--spinning", type=int, default=0, help="processes beside it; default: none")
    parser.add_argument(
        "-o", "--output", type=Path, default=OUTPUT, metavar="FILE", help=f"default: {OUTPUT}"
    )
    return run_study(parser, _measure, arguments)


def _measure(parsed: argparse.Namespace) -> int:
    console, cpus = Console(width=100, highlight=False), choose_cpus(1)
    parsed.output.parent.mkdir(parents=True, exist_ok=True)
    done = Counter(line["implementation"] for line in _lines(parsed.output, parsed.spinning))
    common = {"cpu": collect_provenance(cpus).host.cpu, "spinning": parsed.spinning}
    entries = [e for name, e in discover().items() if name != REFERENCE and not _needs_gpu(e)]
    with (
        tempfile.TemporaryDirectory(prefix="perceptron-bench-study-") as folder,
        spinning(parsed.spinning, *cpus),
    ):
        for entry in cycle(sorted(entries, key=lambda entry: done[entry.name])):
            if done.total() >= parsed.rows or not entries:
                break
            for row in rows_of(entry, cpus, Path(folder)):
                append(parsed.output, common | row)
                done[entry.name] += 1
            console.print(f"{done.total()} of {parsed.rows} rows: {entry.name}")
    return summarize(_lines(parsed.output, parsed.spinning), console)


def _needs_gpu(entry: ImplementationFile) -> bool:
    return entry.cuda_graph or entry.tier == "kernel"


def rows_of(entry: ImplementationFile, cpus: tuple[int, ...], folder: Path) -> list[dict[str, Any]]:
    """Measure the named problems in one process, and judge each as a run with one round does."""
    problems = [problem for problem in NAMED.values() if not entry.declines(problem)]
    job = Job(
        path=str(entry.path),
        framework=entry.framework,
        devices=("cpu",),
        problems=tuple(problems),
        cpus=cpus,
        unseen_seed=secrets.randbits(32),
        caches=str(folder / "caches" / entry.name),
        worker_timeout_s=600,  # with other processes on the core, all takes longer
    )
    rows = []
    report = launch(job, folder, entry.name)
    for problem, answer in zip_longest(problems, report.results):
        result = CaseResult(Case(entry, "cpu", problem))
        if answer:
            result.add(answer, round_=0, position=0)
        else:
            result.end(Verdict.FAILED, report.error or "gave no answer", report.log)
        result.settle()
        rows.append(_row(result, answer))
    return rows


def _row(result: CaseResult, answer: object) -> dict[str, Any]:
    case, row = result.case, result.row()
    name = next(name for name, problem in NAMED.items() if problem == case.problem)
    line: dict[str, Any] = {
        "implementation": case.entry.name,
        "problem": name,
        "verdict": row.verdict,
        "reason": row.reason,
    }
    if isinstance(answer, Measurement) and answer.timing:
        found, judgement = answer.timing.conservation, judge(answer.timing, case.problem, "cpu")
        shown = answer.timing.summary
        line |= {
            "fastest": shown.min_s / judgement.cost_s if judgement.cost_s else None,
            "typical": shown.median_s / judgement.cost_s if judgement.cost_s else None,
            "share": judgement.share,
            "others_share": found.others_share,
            "cost_s": judgement.cost_s,
            **{key: getattr(found, key) for key in ("fixed_s", "place_s", "copy_s", "export_s")},
        }
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in line.items()}


@contextmanager
def spinning(n_processes: int, cpu: int) -> Iterator[None]:
    """Let processes use the core all the time."""
    command = [sys.executable, "-c", SPIN, str(cpu), str(os.getpid())]
    processes = [subprocess.Popen(command) for _ in range(n_processes)]  # noqa: S603 - this Python runs our own text, without a shell
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _lines(output: Path, n_spinning: int) -> list[dict[str, Any]]:
    return [line for line in read_lines(output) if line["spinning"] == n_spinning]


def summarize(lines: Sequence[dict[str, Any]], console: Console) -> int:
    """Print the table; return 0 if no honest loop was called INVALID or FAILED."""
    console.print(table_of(lines), markup=False, soft_wrap=True)
    wrong = [line for line in lines if line["verdict"] in (Verdict.INVALID, Verdict.FAILED)]
    for line in wrong:
        console.print(f"{line['implementation']} on {line['problem']}: {line['reason']}", markup=False)
    return 1 if wrong else 0


def table_of(lines: Sequence[dict[str, Any]]) -> str:
    """Return verdicts and shown times over their costs in Markdown, a line for each implementation."""
    names = [*sorted({line["implementation"] for line in lines}), ""]
    rows = []
    for name in names:
        chosen = [line for line in lines if name in ("", line["implementation"])]
        verdicts = Counter(line["verdict"] for line in chosen)
        shares = [
            _quantiles([line[key] for line in chosen if line.get(key)]) for key in ("fastest", "typical")
        ]
        counts = [len(chosen), *(verdicts[each] for each in VERDICTS)]
        rows.append([f"`{name}`" if name else "all", *map(str, counts), *shares[0], *shares[1]])
    return markdown_table(HEADS, rows, right=range(1, len(HEADS)))


def _quantiles(shares: Sequence[float]) -> list[str]:
    return [f"{share:.2f}" for share in np.quantile(shares or [np.nan], (0.01, 0.5, 0.99))]


if __name__ == "__main__":
    sys.exit(main())
