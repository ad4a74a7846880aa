"""Runs every command of a page, with a stand-in for the measurements, in a copy of the checkout.

Options, files, reports and exit statuses are the real ones. Commands that need the network are left out, and
without `every` also measurements that differ from one before in their values only.
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main as main_of_ours
from benchmarks.paths import CODE, IN_WHEEL, LOCAL_RUNS
from tests.campaign import pretended
from tests.helpers.cluster import make_cluster
from tests.helpers.documents import code_in, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EARLIER, RECORD = (CODE / "results" / "runs" / f"20261124T{time}Z.json" for time in ("042559", "043651"))
"""In place of the reader's records; the later one is a sweep over batch sizes."""

BRIEFLY = {
    "run": ["--rounds=1"],
    "ab": ["--max-pairs=1"],
    "calibrate": ["--pairs=10"],
    "campaign": ["--problem=book", "--problem=small"],
    "report": ["--no-plots"],
    "pytest": ["benchmarks", "--rounds=1", "-pno:cacheprovider"],
    "benchmarks.studies.error_rates_measure": ["--same=1", "--slower=1", "--output=live.jsonl"],
    "benchmarks.studies.roofline": ["--pairs=1", "--problem=wide,n_batches=1"],
    "benchmarks.studies.harness_overhead": ["--processes=1"],
    "benchmarks.studies.decision_map": ["--repeats=1"],
}
"""Additional options of a command, so that it ends soon."""

SHORTER = {
    "results/runs/DATE.json": str(RECORD),
    "n_epochs=100 ": "n_epochs=10 ",
    "n_features=4096": "n_features=40",
    "problem wide ": "problem wide,n_batches=1 ",
    "large,feed=host": "small,feed=host",
    "n_features=256,n_batches=1": "n_features=2,n_batches=1",
}
"""Parts of commands that are replaced: the reader's record, and problems that take long."""

LEFT_OUT = (
    *("sudo apt-get", "bencher run"),
    *("make test", "make check", "python -m pytest tests/"),  # this very test is part of them
    "source .venv/bin/activate",  # no environment was made there
    "python -m benchmarks.studies.gpu.",  # these need a GPU; tests/studies/gpu/ rehearses them
)

ELSEWHERE = {
    "perceptron-bench list": "adding.md",
    "perceptron-bench report --publish": "running.md",
    "python -m benchmarks.studies.error_rates_measure": "house.md",
    "python -m benchmarks.studies.error_rates_table": "house.md",
}
"""Commands on several pages that take long: each is run on this page only."""


def main(page: Path, *, every: bool) -> int:
    """Run the page's commands; return 0 if each of them ended as it should."""
    furnish(page)
    failed = []
    lines = lines_of(page.read_text(encoding="utf-8"))
    for line in lines if every else without_repeated(lines):
        if ELSEWHERE.get(line, page.name) != page.name:
            continue
        sys.stdout.write(f"$ {line}\n")
        start = time.monotonic()
        status = status_of(line)
        sys.stdout.write(f"[exit status {status}, {time.monotonic() - start:.1f} s]\n")
        if status not in fine_statuses(line):
            failed.append(line)
    sys.stdout.write("".join(f"FAILED: {line}\n" for line in failed))
    return 1 if failed else 0


def without_repeated(lines: Sequence[str]) -> list[str]:
    """Leave out each measurement like one before, unless another line names the file that it writes."""
    shapes, kept = set(), []
    for line in lines:
        words = shlex.split(line, comments=True)
        options = {each.partition("=")[0] for each in words if each.startswith("--")}
        output = words[words.index("--output") + 1] if "--output" in words else ""
        shape = (*words[:2], *sorted(options | {"cuda"} & set(words)))
        is_read = output and sum(output in each for each in lines) > 1
        if words[1:2] not in (["run"], ["ab"]) or is_read or shape not in shapes:
            kept.append(line)
        shapes.add(shape)
    return kept


def fine_statuses(line: str) -> set[int]:
    """Return the exit statuses with which a correct command may end here."""
    if "--metric instructions" in line:
        return {0} if shutil.which("valgrind") else {5}  # no case can be counted
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    too_few = n_cpus == 1 and any(words in line for words in ("--cores 2", "--ranks 2", "ranks.json"))
    if too_few or ("track show" in line and not find_spec("ruptures")):  # part of an extra
        return {4}
    if "bench ab " in line or "bench compare " in line:
        return {5} if "--device cuda" in line else {3}  # NumPy runs on no GPU; so little was measured
    if "--device cuda" in line or "precision=tf32" in line or line.endswith("error_rates_measure"):
        return {1}  # NumPy runs on no GPU; it is not slower where it should be
    return {0, 1} if line.endswith("roofline") else {0}  # measured for a moment only


def status_of(line: str) -> int:
    """Run the line and return its exit status."""
    for long, short in SHORTER.items():
        line = line.replace(long, short)
    words = shlex.split(line, comments=True)
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
    """Run a command of the command line, briefly."""
    if command == "campaign":
        return campaign(*arguments)
    briefly = [*BRIEFLY.get(command, []), *(["-k=B1-"] if "sweep" in arguments else [])]
    if "--publish" in arguments:  # publishes everything
        briefly = []
    return main_of_ours([command, *arguments, *briefly])


def campaign(*arguments: str) -> int:
    """Run a campaign whose jobs only pretend to measure; a cluster that is none gets what is for SLURM."""
    pretended.pretend()
    cluster = make_cluster(Path("cluster").resolve())
    to_cluster = any(argument.startswith("--slurm-") for argument in arguments)
    path = [str(cluster), os.environ["PATH"]] if to_cluster else [os.environ["PATH"]]
    variables = pretended.variables(cluster / "records", 0) | {"PATH": os.pathsep.join(path)}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        status = main_of_ours(["campaign", *arguments, *BRIEFLY["campaign"]])
    is_alone = not to_cluster or "#SBATCH --exclusive\n" in (cluster / "given.sh").read_text(encoding="utf-8")
    return status if is_alone else 70


def python(option: str, module: str, *arguments: str) -> int:
    """Run a module, briefly."""
    assert option == "-m"
    if module == "venv":
        return make_environment(Path(*arguments))
    briefly = [*arguments, *BRIEFLY.get(module, [])]
    if module == "pytest":  # earlier commands of the page have loaded our plugin
        return int(pytest.main([*briefly, "-Wignore::pytest.PytestAssertRewriteWarning"]))
    sys.argv = [module, *briefly]
    return int(importlib.import_module(module).main())


def make(*arguments: str) -> int:
    """Run the commands of make that follow the installation."""
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
    """Let bash run the line, and show its output."""
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, "-euc", line], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own page
    sys.stdout.write(done.stdout)
    return done


def make_environment(folder: Path) -> int:
    """Make an environment with the packages of this one, and ours as an installed wheel has it."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    code = folder / "lib" / "python3" / "site-packages" / IN_WHEEL
    code.parent.mkdir(parents=True)
    code.symlink_to(CODE)
    return 0


def furnish(page: Path) -> None:
    """Prepare the files and the folder that the page assumes, with few records, for a quick report."""
    named = page.read_text(encoding="utf-8") + (CODE / "README.md").read_text(encoding="utf-8")
    for record in RECORD.parent.glob("*.json"):
        if record not in (EARLIER, RECORD) and record.name not in named:
            record.unlink()
    match page.name:
        case "adding.md":
            (source,) = (t.content for t in code_in(page.read_text(encoding="utf-8")) if t.info == "python")
            Path("torch_by_hand.py").write_text(source, encoding="utf-8")
        case "reading.md":
            LOCAL_RUNS.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(EARLIER, LOCAL_RUNS / "DATE.json")
            shutil.copyfile(EARLIER, "before.json")
            shutil.copyfile(RECORD, "run.json")
        case "running.md":
            LOCAL_RUNS.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(RECORD, LOCAL_RUNS / "DATE.json")
        case "tracking.md":
            os.chdir(CODE.parent)
            repository = CODE.with_name("repository")
            shell(f"git init --quiet --initial-branch=main {repository}")
            os.chdir(repository)
            shell("git commit --quiet --no-gpg-sign --allow-empty --message=begun")
            shell("git switch --quiet --create change")


def set_environment() -> None:
    """Set the reader's name and path, and remove the variables of the make that runs the tests."""
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        os.environ[variable] = "reader"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "EXTRAS", "PYTHON", "VENV"):
        os.environ.pop(variable, None)
