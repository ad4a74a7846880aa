"""The commands that measure nothing: `list`, `explain` and `table`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import describe_all
from benchmarks.cli import listing
from benchmarks.cli.main import main
from benchmarks.errors import unknown_name
from benchmarks.records.row import Check, Verdict
from benchmarks.runner.case import EndReason
from tests.helpers.records import ABSENT, INVALID, document_of, row, run_of
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path


CPU_ONLY = EndReason(verdict=Verdict.NOT_MEASURED, reason="NumPy runs on the CPU only")
ABSENT_GPU = EndReason(verdict=Verdict.NOT_MEASURED, reason="this machine has no NVIDIA GPU")


@pytest.mark.parametrize(
    ("ends", "reasons"),
    [
        ((None, CPU_ONLY), ["numpy_reference on cuda: NumPy runs on the CPU only"]),
        ((ABSENT_GPU, ABSENT_GPU), ["every implementation on cuda: this machine has no NVIDIA GPU"]),
        (
            (ABSENT_GPU, CPU_ONLY),
            ["jax_jit on cuda: this machine has no NVIDIA GPU", "numpy_reference on cuda: NumPy runs on"],
        ),
    ],
)
def test_list_shows_every_implementation_problem_suite_and_why_something_can_not_run_here(
    ends: tuple[EndReason | None, ...],
    reasons: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = [each for each in describe_all() if each.name in ("jax_jit", "numpy_reference")]
    monkeypatch.setattr(listing, "describe_all", lambda: some)
    monkeypatch.setattr(listing, "probe_all", lambda *_: [{"cpu": None, "cuda": end} for end in ends])

    assert main(["list"]) == 0

    out = capsys.readouterr().out
    for word in ("jax_jit", "numpy_reference", "book-B1000-D2-N5-E12", "cuda", "sweep", *reasons):
        assert word in out
    assert out.count(" on cuda: ") == len(reasons)
    assert " on cpu: " not in out


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


def test_explain_shows_who_derives_the_gradient_and_what_the_way_costs_its_author(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costly = row("torch_epoch", gradient="framework", more_lines=43, private_names=("torch._a", "xla_b"))
    plain = row("torch_step", gradient="by hand", more_lines=-2, private_names=())
    path = write(run_of(costly, plain, row("jax_jit")), tmp_path / "run.json")

    assert main(["explain", "cpu", str(path)]) == 0

    out = capsys.readouterr().out
    against = "lines of code against torch_eager"
    assert f"gradient: framework; {against}: +43; private names: torch._a, xla_b\n" in out
    assert f"gradient: by hand; {against}: -2; private names: none\n" in out
    assert f"gradient: framework, own loss rule; {against}: —; private names: —\n" in out


def test_explain_shows_why_a_row_is_invalid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unfair = replace(INVALID, manifest=(Check(name="graph breaks", expected="0", found="3", holds=False),))
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(unfair))))

    assert main(["explain", "jax_jit", str(path)]) == 0

    assert "FAILS" in capsys.readouterr().out


def test_explain_prints_a_reason_of_any_length_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run_of(replace(INVALID, reason="[red]" + "a" * 200_000)))))

    assert main(["explain", "jax_jit", str(path)]) == 0

    assert capsys.readouterr().out.count("a") > 200_000


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


def test_table_without_any_record_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.cli.show.PUBLISHED_RUNS", tmp_path / "only in a checkout")
    monkeypatch.setattr("benchmarks.cli.show.LOCAL_RUNS", tmp_path / "own")

    assert main(["table"]) == 4
    error = capsys.readouterr().err
    assert f"no records in {tmp_path / 'own'}: " in error
    assert "perceptron-bench run" in error
    assert main(["table", str(tmp_path)]) == 4
    assert f"no records in {tmp_path}: " in capsys.readouterr().err


def test_explain_prints_a_check_of_any_length_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = Check(name="dtypes", expected="float32", found="a" * 200_000, holds=None)
    path = write(run_of(row(manifest=(long,), summary="b" * 200_000)), tmp_path / "run.json")

    assert main(["explain", "torch_eager", str(path)]) == 0

    assert capsys.readouterr().out.count("a") > 200_000
