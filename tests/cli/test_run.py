"""The command `run`: it measures, keeps the record, and refuses an output that can't be written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.files import keep
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from tests.helpers.quiet import QUIETLY

PROBLEM = ("--baseline=numpy_float32", "--problem=book,batch_size=32,n_epochs=2")


def perceptron_bench(*arguments: str | Path, folder: Path = CODE) -> subprocess.CompletedProcess[str]:
    """Run the command line with the packages in the folder."""
    python = QUIETLY if folder == CODE else (sys.executable, "-m")
    command = [*python, "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_run_measures_and_writes_one_record_of_as_many_rounds_as_the_time_allows(
    numpy_float32: Path, tmp_path: Path
) -> None:
    record = tmp_path / "new folder" / "run.json"
    rounds = ("--rounds=3", "--max-time=0.001")

    done = perceptron_bench("run", *rounds, "--device=cpu", f"--impl={numpy_float32}", *PROBLEM, "-o", record)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"record: {record}" in done.stdout
    assert "1 of 3 rounds: time was up" in done.stdout
    assert [row.verdict for row in read_run(record).rows] == [Verdict.VERIFIED]


def test_run_takes_an_expression_that_selects_cases(numpy_float32: Path, tmp_path: Path) -> None:
    record = tmp_path / "run.json"

    done = perceptron_bench(
        "run",
        "--quick",
        "--device=cpu",
        f"--impl={numpy_float32}",
        *PROBLEM,
        "-k",
        "no_such_case",
        "-o",
        record,
    )

    assert "nothing was measured: no case matches" in done.stdout
    assert "Traceback" not in done.stderr
    assert not record.exists()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("file/run.json", r"can't be written \(.*\); name another file"),
        (".", r"can't be written \(Is a directory\)"),
    ],
)
def test_an_output_that_can_not_be_written_is_refused_before_measuring(
    output: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")

    assert main(["run", "-o", str(tmp_path / output)]) == 4

    assert re.search(message, capsys.readouterr().err)


def test_a_record_that_no_longer_fits_where_it_should_go_is_kept_elsewhere(tmp_path: Path) -> None:
    record = tmp_path / "measured.json"
    record.write_text("the record")
    (tmp_path / "run.json").mkdir()  # is in the way, as a full disk would be

    with pytest.raises(UsageError, match=r"run\.json: can't be written .* the record is kept in ") as caught:
        keep(record, tmp_path / "run.json")

    kept = Path(str(caught.value).split("kept in ")[1])
    assert kept.read_text() == "the record"
    shutil.rmtree(kept.parent)


def test_run_needs_nothing_but_the_packages_in_whatever_folder(tmp_path: Path) -> None:
    folder = tmp_path / "[1] any [where]"
    for package in ("benchmarks", "impls"):
        shutil.copytree(CODE / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))

    done = perceptron_bench(
        "run", "--quick", "--device=cuda", "--impl=numpy_float32", *PROBLEM, folder=folder
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured: numpy_float32 on cuda" in done.stdout


def test_what_is_set_for_the_users_own_pytest_does_not_reach_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")

    done = perceptron_bench("run", "--quick", "--device=cuda", "--impl=numpy_float32", *PROBLEM)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured: numpy_float32 on cuda" in done.stdout


def test_a_defect_of_pytest_is_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        pytest, "main", lambda *_, **__: pytest.ExitCode.INTERNAL_ERROR
    )  # 3, "undecided" of `ab`

    assert main(["run", "-o", str(tmp_path / "run.json")]) == 70
