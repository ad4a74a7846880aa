"""`perceptron-bench ab` as its user meets it: real processes, reports, exit status."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.ab import comparison as ab_module
from benchmarks.analysis import caveats
from benchmarks.cli.main import main
from benchmarks.compare.rule import Category
from benchmarks.paths import CODE
from benchmarks.runner.signals import INTERRUPTED
from tests.ab.invented import PROBLEM, FakeDispatcher, ab
from tests.helpers.comparisons import COMPARISON
from tests.helpers.quiet import QUIETLY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ab.invented import Invented, MinS
    from tests.conftest import Copy

RUN_EPOCH = '    """Train on each batch in order."""\n'


def test_it_compares_two_files_in_real_processes_and_writes_every_report(
    copy_of: Copy, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    base, new = copy_of("numpy_float32", as_name="old"), copy_of("numpy_float32", as_name="new")
    reports = {name: tmp_path / f"report.{name}" for name in ("json", "markdown", "junit")}

    status = main(
        [
            "ab",
            f"--base-impl={base}",
            f"--new-impl={new}",
            "--max-pairs=1",
            PROBLEM,
            *(f"--{name}={path}" for name, path in reports.items()),
        ]
    )

    comparison = COMPARISON.read(reports["json"])
    (verdict,) = comparison.verdicts
    assert status == comparison.exit_status()
    assert verdict.category in (Category.UNCHANGED, Category.UNDECIDED)
    assert len(verdict.ratios) == 1
    assert verdict.base is not None
    assert verdict.base.agreement is not None  # verified like any other measurement
    assert verdict.base.costs is not None  # inspected
    assert comparison.base.differs == {"impl": str(base)}
    assert verdict.name in reports["markdown"].read_text(encoding="utf-8")
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == reports["markdown"].read_text(
        encoding="utf-8"
    )
    assert ET.parse(reports["junit"]).getroot().get("tests") == "1"  # noqa: S314 - our own file
    assert verdict.name in capsys.readouterr().out


def test_a_new_side_that_computes_something_else_is_invalid_and_shows_no_time(
    copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))
    arguments = [
        f"--new-impl={wrong}",
        "--impl=numpy_float32",
        PROBLEM,
    ]

    assert main(["ab", *arguments]) == 5
    shown = capsys.readouterr().out
    assert "INVALID: numpy_float32-cpu-B32-D2-N4-E3: new: loss of step 2" in shown
    assert "missing" not in shown  # a file is compared with one implementation only
    assert shown.count("µs") == 1  # the base's


def reason_of_failure(file: Path, difference: str) -> str | None:
    """Compare a file with itself under a difference that it does not stand, and give why the case failed."""
    report = file.with_name("report.json")
    sides = [f"--base-impl={file}", f"--new-impl={file}", difference]
    assert main(["ab", *sides, f"--json={report}", PROBLEM]) == 5
    (verdict,) = COMPARISON.read(report).verdicts
    return verdict.reason


def test_another_python_runs_the_other_side(copy_of: Copy, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexport OTHER_PYTHON=1\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    check = "    import os\n    assert 'OTHER_PYTHON' in os.environ, 'the same Python'\n"
    picky = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + check))

    assert reason_of_failure(picky, f"--new-python={python}") == "base: AssertionError: the same Python"


def test_a_variable_reaches_only_its_side(copy_of: Copy) -> None:
    check = "    import os\n    assert os.environ.get('MARK') != '1', 'marked'\n"
    picky = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + check))

    assert reason_of_failure(picky, "--new-env=MARK=1") == "new: AssertionError: marked"


@pytest.mark.usefixtures("forked")  # each process would load JAX
def test_an_allocator_that_a_side_asks_for_is_no_fair_one_and_the_callers_reaches_neither(
    copy_of: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_PYTHON_CLIENT_ALLOCATOR", "bfc")

    reason = reason_of_failure(copy_of("jax_jit"), "--new-env=XLA_PYTHON_CLIENT_ALLOCATOR=platform")

    assert reason is not None
    assert reason.startswith("new: GPU memory settings: expected allocator default, ")
    assert "found allocator platform, " in reason
    assert "base: " not in reason


@pytest.mark.parametrize(
    ("min_s", "arguments", "status"),
    [
        (lambda *_: 1.0, [], 0),
        (lambda _, side, __: 1.05 if side == "new" else 1.0, [], 1),
        (lambda _, side, __: 1.05 if side == "base" else 1.0, [], 0),
        (lambda _, side, __: 1.05 if side == "new" else 1.0, ["--threshold=6"], 0),
        (lambda _, side, __: 1.05 if side == "new" else 1.0, ["--threshold=numpy=6"], 0),
        (lambda _, side, pair: 1.2 if (side == "new") == bool(pair % 2) else 1.0, [], 3),
        (lambda _, side, pair: 1.2 if (side == "new") == bool(pair % 2) else 1.0, ["--undecided-ok"], 0),
        (lambda _, side, __: -1.0 if side == "new" else 1.0, [], 5),
        (lambda *_: 1.0, ["--device=cuda"], 5),
    ],
    ids=[
        *("unchanged", "slower", "faster", "slower within the threshold", "within the case's threshold"),
        *("undecided", "undecided allowed", "broken", "nothing runs here"),
    ],
)
def test_the_exit_status_says_what_was_found(
    min_s: MinS,
    arguments: list[str],
    status: int,
    invented: Invented,
) -> None:
    invented(min_s)

    assert ab(*arguments) == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ab"], "the two sides are the same: say how they differ"),
        (["ab", "--new-env=A=1", "--impl=torch_eagr"], "Did you mean 'torch_eager'?"),
        (["ab", "--new-env=A=1", "--problem=bok"], "unknown problem 'bok'"),
        (["ab", "--new-env=A"], "expected NAME=VALUE, found 'A'"),
        (["ab", "--new-env=A=1", "--threshold=much"], "--threshold: expected [CASE=]PERCENT"),
        (["ab", "--new-env=A=1", "--threshold=nobody=5"], "unknown case in --threshold 'nobody'"),
        (["ab", "--new-env=A=1", "--alpha=2"], "alpha: expected a number from 1e-12 to 1, found 2.0"),
        (["ab", "--new-env=A=1", "--cores=1000"], "--cores: expected at most"),
        (["ab", "--new-env=A=1", "--json=/dev/null/a.json"], "can't be written"),
        (["ab", "--new-impl=a.py", "--impl=jax_jit", "--impl=jax_scan"], "expected one name beside a file"),
        (["ab", "--base-impl=torch_eagr"], "unknown implementation 'torch_eagr': expected one of"),
        (["ab", "--base-impl=numpy_reference"], "numpy_reference verifies the others; it is not timed"),
        (["ab", "--base-ref=no-such"], "expected a commit named 'no-such'"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_a_sentence_and_status_4(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 4
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_with_status_2_and_keeps_what_was_measured(numpy_float32: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    files = [f"--base-impl={numpy_float32}", f"--new-impl={numpy_float32}"]
    command = [
        *QUIETLY,
        "benchmarks",
        "ab",
        *files,
        f"--json={report}",
        "--threshold=0.01",
        PROBLEM,
    ]
    with subprocess.Popen(command, cwd=CODE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own code, without a shell
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("pair 2 "):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode == 2, rest
    comparison = COMPARISON.read(report)
    assert comparison.interrupted == INTERRUPTED
    (verdict,) = comparison.verdicts
    assert verdict.ratios or "could not be checked" in (verdict.reason or "")  # on a busy machine
    assert "interrupted" in rest


def test_a_machine_that_was_busy_with_something_else_is_told(
    invented: Invented,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invented(lambda *_: 1.0)

    ab()
    assert "of their core" not in capsys.readouterr().out
    monkeypatch.setattr(caveats, "CPU_CONTENTION", 2.0)  # as if the processes had got half of it
    ab()

    shown = capsys.readouterr().out
    assert re.search(r"(\d+) of \1 processes got less than 200 % of their core", shown)


def test_a_defect_of_ours_is_no_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> FakeDispatcher:
        message = "a defect"
        raise ArithmeticError(message)

    monkeypatch.setattr(ab_module, "Dispatcher", broken)

    assert ab() == 70
    assert "ArithmeticError: a defect" in capsys.readouterr().err
