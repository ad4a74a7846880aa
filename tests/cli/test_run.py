"""The command `run`: it measures, keeps the record, and refuses an output that can't be written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import describe_all
from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.files import keep
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from tests.helpers.processes import called_here, called_in
from tests.helpers.quiet import QUIETLY
from tests.helpers.repository import copy_code
from tests.pytest_plugin.calls import WRONG_STEP

if TYPE_CHECKING:
    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("forked")
perceptron_bench = partial(called_here, main)

PROBLEM = ("--baseline=numpy_float32", "--problem=book,batch_size=32,n_epochs=2")
RAISING = (
    '"""Start from these parameters."""\n',
    '"""Start from these parameters."""\n    raise ValueError\n',
)


def perceptron_bench_alone(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a new process, as a user does."""
    command = [*QUIETLY, "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_run_measures_and_writes_one_record_of_as_many_rounds_as_the_time_allows(
    numpy_float32: Path, tmp_path: Path
) -> None:
    record = tmp_path / "new folder" / "run.json"
    rounds = ("--rounds=3", "--max-time=0.001")

    options = (*rounds, "--device=cpu", f"--impl={numpy_float32}", *PROBLEM)

    done = perceptron_bench_alone("run", *options, "-o", record)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"record: {record}" in done.stdout
    assert "1 of 3 rounds: time was up" in done.stdout
    assert [row.verdict for row in read_run(record).rows] == [Verdict.VERIFIED]


def test_run_takes_an_expression_that_selects_cases(numpy_float32: Path, tmp_path: Path) -> None:
    record = tmp_path / "run.json"

    options = ("--quick", "--device=cpu", f"--impl={numpy_float32}", *PROBLEM)

    done = perceptron_bench("run", *options, "-k", "no_such_case", "-o", record)

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
    (tmp_path / "run.json").mkdir()  # is in the way, as a full disk would be

    with pytest.raises(UsageError, match=r"run\.json: can't be written .* the record is kept in ") as caught:
        keep("the record", tmp_path / "run.json", is_new=False)

    kept = Path(str(caught.value).split("kept in ")[1])
    assert kept.read_text() == "the record"
    shutil.rmtree(kept.parent)


def test_runs_of_the_same_second_have_two_records(tmp_path: Path) -> None:
    paths = [keep(each, tmp_path / "run.json", is_new=True) for each in ("first", "second")]

    assert [path.read_text() for path in paths] == ["first", "second"]


@pytest.mark.parametrize(("fault", "verdict"), [(WRONG_STEP, "INVALID"), (RAISING, "FAILED")])
def test_a_run_in_which_no_case_is_right_has_a_record_with_the_reasons(
    fault: tuple[str, str], verdict: str, copy_of: Copy, tmp_path: Path
) -> None:
    record = tmp_path / "run.json"

    done = perceptron_bench(
        "run", "--quick", "--device=cpu", f"--impl={copy_of('numpy_float32', fault)}", *PROBLEM, "-o", record
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"record: {record}" in done.stdout
    (row,) = read_run(record).rows
    assert row.verdict == verdict
    assert row.reason
    assert json.loads(record.read_text())["machine_info"]


def test_what_a_resumed_run_needs_stays_until_the_record_is_written(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "run.json"
    arguments = ["run", "--resume", "--rounds=1", "--device=cpu", f"--impl={numpy_float32}", *PROBLEM]

    def refuse(*_: object, **__: object) -> None:
        message = "the disk is full"
        raise UsageError(message)

    with monkeypatch.context() as full:
        full.setattr("benchmarks.cli.run.keep", refuse)
        assert main([*arguments, "-o", str(record)]) == 4
    assert "the disk is full" in capsys.readouterr().err

    assert main([*arguments, "-o", str(record)]) == 0
    assert "resuming: 1 worker of this run had started" in capsys.readouterr().out
    assert [len(row.processes) for row in read_run(record).rows] == [1]


def test_a_second_process_with_the_same_run_is_refused_in_one_line(
    numpy_float32: Path, tmp_path: Path
) -> None:
    arguments = (
        *("run", "--device=cpu", f"--impl={numpy_float32}", *PROBLEM, "--resume", "--rounds=2"),
        *("-o", str(tmp_path / "run.json")),
    )
    command = [*QUIETLY, "benchmarks", *arguments]
    with subprocess.Popen(command, cwd=CODE, stdout=subprocess.PIPE, text=True) as first:  # noqa: S603 - ours
        assert first.stdout
        while "inspection" not in (line := first.stdout.readline()):
            assert line, "it ended before the second one began"
        first.send_signal(signal.SIGSTOP)
        second = perceptron_bench_alone(*arguments)
        first.send_signal(signal.SIGCONT)
        first.stdout.read()

    assert first.returncode == 0
    assert second.returncode == 4
    (line,) = (second.stdout + second.stderr).strip().splitlines()
    assert line.startswith("ERROR: this run is already in progress")


def test_run_needs_nothing_but_the_packages_in_whatever_folder(tmp_path: Path) -> None:
    folder = tmp_path / "[1] any [where]"
    copy_code(folder, "benchmarks", "impls")

    options = ("--quick", "--device=cuda", "--impl=numpy_float32", *PROBLEM)
    command = [sys.executable, "-m", "benchmarks", "run", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured: numpy_float32 on cuda" in done.stdout


@pytest.mark.skipif(sys.platform == "darwin", reason="this file system takes names in UTF-8 only")
def test_every_command_shows_a_loop_whose_name_is_not_utf_8(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = numpy_float32.rename(os.fsdecode(os.fsencode(tmp_path) + b"/loop\xe9.py"))
    record, report = tmp_path / "run.json", tmp_path / "report"

    done = perceptron_bench_alone("run", "--quick", "--device=cpu", f"--impl={path}", *PROBLEM, "-o", record)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "loop?" in done.stdout
    monkeypatch.setattr("benchmarks.cli.listing.describe_all", lambda: describe_all(tmp_path))
    for command, shown in {
        ("list",): "loop?",
        ("table", record): r"loop\\udce9",
        ("explain", "loop", record): r"loop\udce9",
        ("report", record, "-o", report): f"report: {report}",
    }.items():
        assert main([*map(str, command)]) == 0
        assert shown in capsys.readouterr().out
    assert r"loop\\udce9" in (report / "README.md").read_text(encoding="utf-8")


def test_a_current_folder_that_is_deleted_meanwhile_loses_no_record(copy_of: Copy, tmp_path: Path) -> None:
    gone, record = tmp_path / "gone", tmp_path / "run.json"
    gone.mkdir()
    deletes = f"import numpy as np\nfrom pathlib import Path\nPath({str(gone)!r}).rmdir()\n"
    once = deletes.replace("Path(", f"Path({str(gone)!r}).exists() and Path(", 1)
    path = copy_of("numpy_float32", ("import numpy as np\n", once))
    options = ("--quick", "--device=cpu", f"--impl={path}", *PROBLEM, f"--output={record}")

    done = called_in(gone, QUIETLY[0], "-P", *QUIETLY[1:], "benchmarks", "run", *options)

    assert done.returncode == 0, done.stdout + done.stderr
    assert not gone.exists()
    assert [row.verdict for row in read_run(record).rows] == [Verdict.VERIFIED]


def test_what_is_set_for_the_users_own_pytest_does_not_reach_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")

    done = perceptron_bench("run", "--quick", "--device=cuda", "--impl=numpy_float32", *PROBLEM)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured: numpy_float32 on cuda" in done.stdout


def test_no_conftest_of_the_current_folder_is_run(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "tests"):
        folder.mkdir(exist_ok=True)
        (folder / "conftest.py").write_text("raise ImportError('for the tests of the user')")

    options = ("--quick", "--device=cuda", "--impl=numpy_float32", *PROBLEM)
    done = called_in(tmp_path, *QUIETLY, "benchmarks", "run", *options)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "not measured: numpy_float32 on cuda" in done.stdout


def test_a_defect_of_pytest_is_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        pytest, "main", lambda *_, **__: pytest.ExitCode.INTERNAL_ERROR
    )  # 3, "undecided" of `ab`

    assert main(["run", "-o", str(tmp_path / "run.json")]) == 70
