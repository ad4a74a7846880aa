"""Does what a page tells its reader to type, every command of it, with a stand-in for what would be measured.

    python -m tests.helpers.rehearsal PAGE     # in a copy of the checkout: it writes there

Options, files, reports and exit statuses are the real ones. But an implementation that would be measured in a
process of its own, for a while, is measured in this process, for a moment, and NumPy's loop stands in for all
of them: what they compute is for other tests. Left out is what reaches out to the network.
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli import run
from benchmarks.cli.main import main as main_of_ours
from benchmarks.paths import CODE, LOCAL_RUNS
from benchmarks.runner import dispatch
from benchmarks.runner.launch import Report
from benchmarks.studies import (
    ablation,
    decision_map,
    error_rates_table,
    faq,
    harness_overhead,
    roofline,
    slowdown,
)
from benchmarks.studies.whole_training import WholeTraining
from benchmarks.worker import __main__ as worker
from benchmarks.worker.messages import (
    Failure,
    Job,
    Measurement,
    Readiness,
    Runtime,
)
from tests.helpers.documents import calls_in, code_in, fault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.worker.messages import Message

EARLIER, RECORD = (CODE / "results" / "runs" / f"20261124T{time}Z.json" for time in ("042559", "043651"))
"""Where a page has records of the reader's; the later one is a sweep over batch sizes."""

STAND_IN = CODE / "impls" / "numpy_float32.py"

BRIEFLY = {
    "run": ["--rounds=1"],
    "ab": ["--max-pairs=1"],
    "calibrate": ["--pairs=10"],
    "report": ["--no-pictures"],
    "pytest": ["benchmarks", "--rounds=1", "-pno:cacheprovider"],
    "benchmarks.studies.error_rates_measure": ["--same=1", "--slower=1", "--output=live.jsonl"],
    "benchmarks.studies.roofline": ["--pairs=1"],
    "benchmarks.studies.harness_overhead": ["--processes=1"],
    "benchmarks.studies.decision_map": ["--repeats=1"],
}
"""What a command is told besides, so that it ends soon."""

LEFT_OUT = (
    *("git clone https://", "sudo apt-get", "bencher run"),
    *("make test", "make check", "python -m pytest tests/"),  # this very test is part of them
    "source .venv/bin/activate",  # no environment was made there
)


def main(page: Path) -> int:
    """Do what the page says; give 0 where each command ended as it should."""
    stand_in()
    furnish(page)
    failed = []
    for line in lines_of(page.read_text(encoding="utf-8")):
        sys.stdout.write(f"$ {line}\n")
        status = status_of(line)
        sys.stdout.write(f"[exit status {status}]\n")
        if status not in fine_statuses(line):
            failed.append(line)
    sys.stdout.write("".join(f"FAILED: {line}\n" for line in failed))
    return 1 if failed else 0


def lines_of(page: str) -> list[str]:
    """Give the lines of shell in the page's blocks, then the commands that are told in its sentences.

    A command over several lines of a block is one. In a sentence it may leave out what must be named: such is
    not done.
    """
    lines: list[str] = []
    for token in code_in(page):
        if token.type == "code_block" or token.info == "console":
            lines += filter(None, token.content.replace("\\\n", " ").splitlines())
    told = (token.content for token in code_in(page) if token.type == "code_inline")
    return [*lines, *(each for each in dict.fromkeys(told) if is_whole(each) and each not in lines)]


def is_whole(text: str) -> bool:
    """Say whether a text is a call of ours to be typed as it is, and not just a command's name."""
    words = text.split()
    to_fill_in = "…" in text or any(word.isupper() for word in words)
    names_only = len(words) == len(("perceptron-bench", "COMMAND"))
    return not (to_fill_in or names_only or any(map(fault_of, calls_in(text)))) and any(calls_in(text))


def fine_statuses(line: str) -> set[int]:
    """Say with what a command may end where nothing is wrong with it."""
    if "--metric instructions" in line:
        return {0} if shutil.which("valgrind") else {5}  # not a case can be counted
    if "bench ab " in line or "bench compare " in line:
        return {5} if "--device cuda" in line else {3}  # NumPy runs on no GPU; so little was measured
    too_few = "--cores 2" in line and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) == 1
    if too_few or ("track show" in line and not find_spec("ruptures")):  # which is part of an extra
        return {4}
    if "--device cuda" in line or "precision=tf32" in line or line.endswith("error_rates_measure"):
        return {1}  # NumPy runs on no GPU; it is not slower where it should be
    return {0, 1} if line.endswith("roofline") else {0}  # as it is, measured for a moment


def status_of(line: str) -> int:
    """Do what the line says and give its exit status."""
    words = shlex.split(line.replace("results/runs/DATE.json", str(RECORD)), comments=True)
    if line.startswith(LEFT_OUT) or words[1:4] == ["-m", "pip", "install"]:
        return 0
    command = COMMANDS.get(Path(words[0]).name)
    if command is None:
        done = shell(line)
        nothing_compared = words[0] == "py.test-benchmark" and "Name (time" not in done.stdout
        return 70 if nothing_compared else done.returncode
    try:
        return command(*words[1:])
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 70
    except Exception:  # noqa: BLE001 - one command that breaks must not hide the others
        traceback.print_exc(file=sys.stdout)
        return 70


def perceptron_bench(command: str, *arguments: str) -> int:
    """Do what the command line does, briefly."""
    briefly = [*BRIEFLY.get(command, []), *(["-k=B1-"] if "sweep" in arguments else [])]
    return main_of_ours([command, *arguments, *briefly])


def python(option: str, module: str, *arguments: str) -> int:
    """Do what a module does, briefly."""
    assert option == "-m"
    if module == "venv":
        return make_environment(Path(*arguments))
    briefly = [*arguments, *BRIEFLY.get(module, [])]
    if module == "pytest":
        return int(pytest.main(briefly))
    sys.argv = [module, *briefly]
    return int(importlib.import_module(module).main())


def make(*arguments: str) -> int:
    """Do what make would do once everything is installed."""
    extras = [each.removeprefix("EXTRAS=") for each in arguments if each.startswith("EXTRAS=")] or ["dev"]
    installed = f".venv/.installed-{extras[-1]}"
    recipe = shell(shlex.join(["make", "--dry-run", f"--assume-old={installed}", *arguments])).stdout
    return max(status_of(line) for line in recipe.splitlines())


COMMANDS: dict[str, Callable[..., int]] = {
    "perceptron-bench": perceptron_bench,
    "python": python,
    "python3": python,
    "make": make,
}


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Have bash do what the line says, and show what it prints."""
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, "-euc", line], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own page
    sys.stdout.write(done.stdout)
    return done


def make_environment(folder: Path) -> int:
    """Make an environment in which everything is installed: Python finds what it finds here."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return 0


def furnish(page: Path) -> None:
    """Put there what the page takes for granted, take away what it does not, and go where its reader is."""
    named = page.read_text(encoding="utf-8") + (CODE / "README.md").read_text(encoding="utf-8")
    for record in RECORD.parent.glob("*.json"):
        if record not in (EARLIER, RECORD) and record.name not in named:
            record.unlink()  # a report of few is as good, and sooner there
    match page.name:
        case "adding.md":
            (source,) = (t.content for t in code_in(page.read_text(encoding="utf-8")) if t.info == "python")
            Path("torch_by_hand.py").write_text(source, encoding="utf-8")
        case "reading.md":
            shutil.copyfile(EARLIER, "before.json")
            shutil.copyfile(RECORD, "run.json")
        case "running.md":
            LOCAL_RUNS.mkdir(parents=True)
            shutil.copyfile(RECORD, LOCAL_RUNS / "DATE.json")
        case "tracking.md":
            os.chdir(CODE.parent)
            repository = CODE.with_name("repository")
            shell(f"git init --quiet --initial-branch=main {repository}")
            (repository / "calibration").mkdir()
            (repository / "calibration" / "README.md").write_text("As the workflow leaves it.\n")
            os.chdir(repository)
            shell("git commit --quiet --no-gpg-sign --allow-empty --message=begun")
            shell("git switch --quiet --create change")


def stand_in() -> None:
    """Take the place of whatever measures."""
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        os.environ[variable] = "reader"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # One process runs many: what pytest-benchmark before 5.3 leaves open, the next run would complain of.
    os.environ["PYTEST_ADDOPTS"] = "-p no:unraisableexception"
    of_make = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "EXTRAS", "PYTHON", "VENV")  # which runs the tests
    for variable in of_make:
        os.environ.pop(variable, None)
    patch = pytest.MonkeyPatch()
    patch.setattr(roofline, "pin", lambda _: None)  # what follows may use every CPU
    patch.setattr(dispatch, "launch", measured_here)
    patch.setattr(ablation, "in_fresh_process", lambda _, number, *__, **___: fastest_s(number))
    patch.setattr(harness_overhead, "in_fresh_process", lambda *_, **__: [(1.0, 1.0)])
    patch.setattr(
        decision_map, "time_whole", lambda _: WholeTraining(total_s=1, cpu_per_wall=1, parameters=[])
    )
    patch.setattr(faq, "run", lambda *_: 0)  # the blocks of another page, where they are rehearsed
    patch.setattr(error_rates_table, "N_RESAMPLES", 10)
    patch.setattr(run, "report_locally", lambda: ["report: rehearsed where a page asks for it"])
    patch.setattr(slowdown, "in_fresh_process", lambda *_, **__: slowdown.EFFECT)
    with suppress(ImportError):  # of a package that draws
        patch.setattr("benchmarks.report.plots.gallery.MAX_GROUPS", 1)


def fastest_s(number: int) -> dict[str, float]:
    """Make up the fastest steps of an ablation study's variants."""
    return dict.fromkeys(ablation.STUDIES[number].measured, 1e-6)


def measured_here(job: Job, folder: Path, name: str) -> Report:
    """Answer like a process of its own: NumPy's loop for a moment, whatever the job names."""
    del folder, name
    here = replace(job, path=str(STAND_IN), framework="numpy", cpus=(), caches=None, runtime=Runtime())
    return _measured(replace(here, counter=None, sample_s=min(job.sample_s, 1e-3)), counts=bool(job.counter))


@cache
def _measured(job: Job, *, counts: bool) -> Report:
    """Measure once what stands in for many."""
    readiness, *results = worker.work(job)
    assert isinstance(readiness, Readiness)
    answers = tuple(_as_if_alone(result, counts=counts) for result in results)
    return Report(readiness=readiness, results=answers, error=None, log="")


def _as_if_alone(message: Message, *, counts: bool) -> Measurement | Failure:
    """Take out of what was seen what comes of the stand-in, and of the company it was measured in."""
    assert not isinstance(message, Readiness)
    if isinstance(message, Failure):
        return message
    if message.inspection:
        return replace(message, inspection=replace(message.inspection, n_host_arrays=0))
    assert message.timing
    timing = replace(
        message.timing,
        export_s=0.0,
        paused_export_s=0.0,
        cpu_per_wall=1.0,
        children_cpu_s=0.0,
        n_instructions=1e6 if counts else None,
    )
    return replace(message, timing=timing)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
