"""The command line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases.implementations import discover
from benchmarks.cli.main import main
from benchmarks.errors import UsageError, unknown_name
from benchmarks.files import keep
from benchmarks.paths import CODE
from benchmarks.records.row import Check, Verdict
from benchmarks.records.run import read_run
from tests.helpers.records import ABSENT, INVALID, document_of, row, run_of
from tests.helpers.runs import run_of_day, timed, write

PROBLEM = ("--baseline=numpy_float32", "--problem=book,batch_size=32,n_epochs=2")


def perceptron_bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line from the checkout."""
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours


@pytest.mark.parametrize("command", [[], ["run"], ["list"], ["explain"], ["table"], ["report"]])
def test_help_teaches(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])

    assert "usage: perceptron-bench" in capsys.readouterr().out


def test_list_shows_every_implementation_problem_suite_and_why_something_can_not_run_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: entry for name, entry in discover().items() if name in ("jax_jit", "numpy_reference")}
    monkeypatch.setattr("benchmarks.cli.show.discover", lambda: some)

    assert main(["list"]) == 0

    out = capsys.readouterr().out
    for word in ("jax_jit", "numpy_reference", "book-B1000-D2-N5-E12", "cuda", "sweep"):
        assert word in out
    assert "numpy_reference on cuda: NumPy runs on the CPU only" in out


def test_table_prints_recorded_runs_as_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(row(), INVALID, ABSENT))))

    assert main(["table", str(path)]) == 0

    assert "| torch_eager" in capsys.readouterr().out


def test_explain_shows_the_manifest_the_costs_and_each_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(row(), INVALID))))

    assert main(["explain", "torch_eager-cpu", str(path)]) == 0

    out = capsys.readouterr().out
    for word in (
        "graph breaks",
        "holds",
        "first call with empty caches 750 ms",
        "peak memory 12.3 MB",
        "100 µs",
    ):
        assert word in out
    assert "jax_jit" not in out


def test_explain_shows_why_a_row_is_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unfair = replace(INVALID, manifest=(Check(name="graph breaks", expected="0", found="3", holds=False),))
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(unfair))))

    assert main(["explain", "jax_jit", str(path)]) == 0

    assert "FAILS" in capsys.readouterr().out


def test_explain_shows_the_row_that_the_report_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.cli.show.PUBLISHED_RUNS", tmp_path)
    monkeypatch.setattr("benchmarks.cli.show.LOCAL_RUNS", tmp_path / "none")
    write(run_of_day(0, timed("jax_scan", [1e-3] * 6)), tmp_path / "0.json")
    write(run_of_day(1, timed("jax_scan", [1e-3] * 3)), tmp_path / "1.json")

    assert main(["explain", "jax_scan"]) == 0
    out = capsys.readouterr().out
    assert "2026-11-01" in out
    assert "2026-11-02" not in out


def test_of_very_many_names_a_message_lists_some() -> None:
    error = unknown_name("case-x", [f"case-{i}" for i in range(1000)], kind="case")

    assert "case-19 and 980 more." in str(error)


def test_explain_names_the_cases_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(row()))))

    assert main(["explain", "torch_eagre", str(path)]) == 4

    assert "unknown case 'torch_eagre': expected one of torch_eager-cpu-B32" in capsys.readouterr().err


def test_table_refuses_what_is_no_record_with_status_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text("{}")

    assert main(["table", str(tmp_path / "odd.json")]) == 4

    error = capsys.readouterr().err
    assert error.startswith("perceptron-bench: ")
    assert "odd.json: expected a record of perceptron-bench" in error


@pytest.mark.parametrize(
    "call",
    [
        ["no-such-command"],
        ["run", "--device", "tpu"],
        ["run", "--problm", "book"],
        ["calibrate", "--impl=nobody", "--threshold=1"],  # which it is to find out
    ],
)
def test_a_call_that_can_not_be_understood_has_status_4(call: list[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(call)


def test_table_without_any_record_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.cli.show.PUBLISHED_RUNS", tmp_path)
    monkeypatch.setattr("benchmarks.cli.show.LOCAL_RUNS", tmp_path / "none")

    assert main(["table"]) == 4

    assert "perceptron-bench run" in capsys.readouterr().err


def test_run_measures_and_writes_one_record_of_as_many_rounds_as_the_budget_allows(
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
