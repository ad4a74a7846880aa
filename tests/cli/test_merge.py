"""`perceptron-bench merge`: what it writes, and who can read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.cli import main as py_test_benchmark

from benchmarks.cases.problems import NAMED
from benchmarks.cli.main import main
from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.row import KEY, Verdict
from benchmarks.records.run import read_run
from tests.cli.jobs import merge, write_document
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.jobs import Job

VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}


def test_it_joins_the_cases_of_all_jobs_and_says_how_many(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merged = tmp_path / "run.json"

    assert merge(job(0), job(1), job(2), output=merged) == 0

    captured = capsys.readouterr()
    assert captured.out == f"merged 3 records, 7 cases: {merged}\n"
    assert captured.err == ""
    run = read_run(merged)
    assert [(row.implementation, str(row.verdict), len(row.processes)) for row in run.rows] == [
        ("torch_eager", "verified", 18),
        ("jax_scan", "verified", 6),
        ("wrong_jax_scan", "INVALID", 0),
        ("jax_jit", "verified", 6),
        ("wrong_jax_jit", "INVALID", 0),
        ("torch_step", "verified", 6),
        ("wrong_torch_step", "INVALID", 0),
    ]
    assert [part.machine for part in run.provenance.parts] == ["runner-0", "runner-1", "runner-2"]


def test_every_command_reads_the_merged_record(
    merged: Path, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", str(merged)]) == 0
    table = capsys.readouterr().out
    assert table.count("10×") == 3  # each case and the baseline of its own job
    assert " · 6 rounds · merged from 3 runs" in table

    for command in (
        ["explain", "jax_scan", str(merged)],
        ["compare", str(merged), str(job(0)), "--baseline=torch_eager"],
        ["compare", str(merged), str(merged), "--baseline=torch_eager"],
        ["track", "add", str(merged), f"--history={tmp_path / 'history'}"],
        ["track", "show", f"--history={tmp_path / 'history'}"],
        ["track", "export", str(merged), f"--output={tmp_path / 'trends.csv'}"],
        ["report", str(merged), "--no-plots", f"--output={tmp_path / 'report'}"],
    ):
        assert main(command) in (0, 3, 5), command  # 5: the job lacks cases of the others
        assert capsys.readouterr().err == ""


def test_pytest_benchmark_reads_each_case_once_as_its_first_job_wrote_it(
    merged: Path, job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(merged.read_text(encoding="utf-8"))
    first, second = (json.loads(job(day).read_text(encoding="utf-8")) for day in (0, 1))
    rows = {row["case"]: row for row in document[KEY]["rows"]}

    assert document["benchmarks"][:3] == [*first["benchmarks"], second["benchmarks"][1]]
    assert len(document["benchmarks"]) == 4
    assert {name: document[name] for name in ("machine_info", "commit_info", "datetime")} == {
        name: first[name] for name in ("machine_info", "commit_info", "datetime")
    }
    for benchmark in document["benchmarks"]:
        processes = rows[benchmark["extra_info"][KEY]["case"]]["processes"]
        assert len(benchmark["stats"]["data"]) == sum(process["n_kept"] for process in processes)
    monkeypatch.chdir(merged.parent)
    monkeypatch.setattr("sys.argv", ["py.test-benchmark", "compare", merged.name])
    py_test_benchmark()
    assert capsys.readouterr().out.count("bench_epoch[") == 4


def test_a_case_that_is_wrong_in_one_job_is_no_benchmark_of_pytest_benchmarks_part(
    job: Job, tmp_path: Path
) -> None:
    wrong = {"verdict": Verdict.INVALID, "reason": "loss of step 1: …", "processes": ()}

    assert merge(job(0), job(1, first=wrong), output=tmp_path / "run.json") == 0

    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    cases = [benchmark["extra_info"][KEY]["case"].partition("-")[0] for benchmark in document["benchmarks"]]
    assert cases == ["jax_scan", "jax_jit"]


def test_benchmarks_of_other_programs_stay(job: Job, tmp_path: Path) -> None:
    files = [job(0), job(1)]
    document = json.loads(files[1].read_text(encoding="utf-8"))
    foreign = document["benchmarks"][0] | {"name": "theirs", "extra_info": {}}
    write_document(document | {"benchmarks": [*document["benchmarks"], foreign]}, files[1])

    assert merge(*files, output=tmp_path / "run.json") == 0

    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["benchmarks"][-1] == foreign


@pytest.mark.parametrize(
    "other",
    [
        {"versions": VERSIONS | {"torch": "not installed"}},
        {"commit_elsewhere": "89abcdef01"},
        {"system": "Linux, another kernel"},
        {"worker_variables": FULL_PRECISION | {"CUDA_VISIBLE_DEVICES": "1"}},
        {"pinned_to": [0]},
        {"settings": {"interrupted": "Ctrl-C"}},
        {"settings": {"suite": None}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_jobs_of_one_run_may_differ_in_is_no_reason_to_refuse(
    other: dict[str, Any], job: Job, tmp_path: Path
) -> None:
    assert merge(job(0), job(1, **other), output=tmp_path / "run.json") == 0


def test_a_job_that_lacks_the_baseline_is_warned_of(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of_day(1, timed("jax_jit", [1e-4] * 6), timed("torch_eager", [1e-3] * 6, problem=NAMED["book"]))
    lacking = write(run, tmp_path / "lacking.json")

    assert merge(job(0), lacking, output=tmp_path / "run.json") == 0

    assert capsys.readouterr().err == (
        f"warning: {lacking}: has no times of torch_eager in B32-D2-N4-E3 on cpu: its cases there have no "
        "ratio to it\n"
    )
