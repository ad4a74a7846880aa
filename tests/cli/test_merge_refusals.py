"""`perceptron-bench merge`: which records it refuses, and how."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.row import KEY
from benchmarks.records.run import read_run
from tests.cli.jobs import merge, rows_of_job, write_document
from tests.helpers.records import run_of
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.jobs import Job

VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"commit": "fedcba9876"}, "expected one commit, found 0123456789 in {0} and fedcba9876 in {1}"),
        ({"commit": None}, "expected one commit, found 0123456789 in {0} and unknown in {1}"),
        (
            {"versions": VERSIONS | {"torch": "2.14.0"}},
            "expected one torch, found 2.13.0 in {0} and 2.14.0 in",
        ),
        ({"cpu": "B CPU"}, "expected one CPU, found A CPU in {0} and B CPU in {1}"),
        ({"n_cpus": 4}, "expected one number of CPUs, found 2 in {0} and 4 in {1}"),
        ({"gpu": "NVIDIA H200, 580.1"}, "expected one GPU, found none in {0} and NVIDIA H200, 580.1 in {1}"),
        ({"cpu_quota": 0.5}, "expected one CPU quota, found none in {0} and quota 0.5 of a CPU in {1}"),
        (
            {"worker_variables": FULL_PRECISION | {"XLA_FLAGS": "--fast"}},
            "expected one XLA_FLAGS of the workers, found unset in {0} and --fast in {1}",
        ),
        ({"settings": {"rounds": 3}}, "expected one number of rounds, found 6 in {0} and 3 in {1}"),
        ({"settings": {"quick": True}}, "expected one --quick, found False in {0} and True in {1}"),
        (
            {"settings": {"baseline": "jax_jit"}},
            "expected one baseline, found torch_eager in {0} and jax_jit",
        ),
        (
            {"first": {"data_digest": "f" * 16}},
            "expected one digest of the data of torch_eager-cpu-B32-D2-N4-E3",
        ),
        (
            {"first": {"code_digest": "ast2:1"}},
            "expected one digest of the code of torch_eager-cpu-B32-D2-N4-E3",
        ),
    ],
)
def test_records_that_one_run_could_not_hold_are_refused_with_the_difference(
    other: dict[str, Any], message: str, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = job(0, first={"code_digest": "ast2:0"}), job(1, **({"first": {"code_digest": "ast2:0"}} | other))

    assert merge(*files, output=tmp_path / "run.json") == 4

    found = capsys.readouterr().err
    assert found.startswith("perceptron-bench: the records can't be one run: expected one ")
    assert message.format(*files) in found
    assert found.endswith(
        ". Measure all of them alike, or show them side by side: `perceptron-bench report FILE…`\n"
    )
    assert not (tmp_path / "run.json").exists()


def test_the_third_record_is_compared_with_all_before_it(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without, *others = ({"versions": VERSIONS | {"torch": v}} for v in ("not installed", "2.13.0", "2.14.0"))

    assert (
        merge(job(0, **without), job(1, **others[0]), job(2, **others[1]), output=tmp_path / "run.json") == 4
    )
    assert f"found 2.13.0 in {tmp_path / 'job1.json'} and 2.14.0 in" in capsys.readouterr().err


def test_a_record_that_is_named_twice_is_refused(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = write_document(json.loads(job(0).read_text(encoding="utf-8")), tmp_path / "copy.json")

    for twice in (job(0), copy):
        assert merge(job(0), twice, output=tmp_path / "run.json") == 4
        message = f"expected different records, found the same run in {job(0)} and {twice}; name it once"
        assert message in capsys.readouterr().err


def test_a_record_that_another_one_contains_is_refused(
    merged: Path, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [replace(row, processes=row.processes[:2]) for row in rows_of_job(0)]
    interrupted = write(run_of_day(1, *rows, settings={"interrupted": "Ctrl-C"}), tmp_path / "before.json")

    for one, other in ((interrupted, job(0)), (merged, job(2))):
        assert merge(one, other, output=tmp_path / "run.json") == 4
        found = capsys.readouterr().err
        assert (
            f"in both {one} and {other}: one run resumed the other, or is merged from it; leave out" in found
        )


def test_a_single_record_is_refused(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(job(0), output=tmp_path / "run.json") == 4
    assert f"expected at least two records, found only {job(0)}; name the record" in capsys.readouterr().err


def test_a_run_that_several_machines_measured_together_is_refused(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = read_run(job(0))
    two = replace(run.provenance, hosts=[run.provenance.host, run.provenance.host])
    together = write(replace(run, provenance=two), tmp_path / "together.json")

    assert merge(together, job(1), output=tmp_path / "run.json") == 4
    assert f"{together}: expected a run on one machine, found one on 2; leave" in capsys.readouterr().err


def test_no_record_is_overwritten(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [job(0), job(1)]
    before = files[1].read_bytes()
    (tmp_path / "link.json").symlink_to(files[1])

    for output in (files[1], tmp_path / "link.json"):
        assert merge(*files, output=output) == 4
        assert (
            f"{output}: expected another file for the merged record, found a record"
            in capsys.readouterr().err
        )
    assert files[1].read_bytes() == before


def test_links_in_a_circle_are_refused_where_a_record_is_expected_and_where_one_is_written(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    circle = tmp_path / "circle.json"
    circle.symlink_to(circle)

    assert merge(job(0), circle, output=tmp_path / "run.json") == 4
    assert f"{circle}: can't be read (Too many levels" in capsys.readouterr().err
    assert merge(job(0), job(1), output=circle) == 4
    assert f"{circle}: can't be written (Too many levels" in capsys.readouterr().err


def test_a_file_that_can_not_be_written_is_refused_before_a_record_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(tmp_path / "a.json", tmp_path / "b.json", output=tmp_path) == 4
    assert (
        f"{tmp_path}: can't be written (Is a directory); name another file with -o" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("benchmarks", "message"),
    [
        (None, "benchmarks: expected a list, found None"),
        ([{}], "benchmarks[0].extra_info: expected an object, found nothing"),
        (
            [{"extra_info": {KEY: {"case": 1}}}],
            f"benchmarks[0].extra_info.{KEY}.case: expected a text, found 1",
        ),
        ([{"extra_info": {}, "stats": {"mean": math.nan}}], "Out of range float values"),
    ],
)
def test_a_part_of_pytest_benchmark_that_was_edited_is_refused_by_the_files_name(
    benchmarks: object, message: str, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [job(0), job(1)]
    document = json.loads(files[1].read_text(encoding="utf-8"))
    write_document(document | {"benchmarks": benchmarks}, files[1])

    assert merge(*files, output=tmp_path / "run.json") == 4

    found = capsys.readouterr().err
    assert found.startswith(
        f"perceptron-bench: {files[1]}: expected a record as it was written, found an edited one ("
    )
    assert message in found


def test_rounds_beyond_what_a_record_can_hold_are_refused(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_job(1)
    late = tuple(replace(process, round=process.round + 2**53 - 6) for process in rows[0].processes)
    run = run_of_day(1, replace(rows[0], processes=late))

    assert merge(job(0), write(run, tmp_path / "late.json"), output=tmp_path / "run.json") == 4
    assert "round: expected a whole number from 0 to" in capsys.readouterr().err
    assert not (tmp_path / "run.json").exists()


def test_the_first_reasons_of_many_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"loop_{i}" for i in range(9)]
    files = [
        write(
            run_of(*(timed(name, [1e-3 + day * 1e-5], data_digest=str(day)) for name in names)),
            tmp_path / f"{day}.json",
        )
        for day in range(2)
    ]

    assert merge(*files, output=tmp_path / "run.json") == 4

    found = capsys.readouterr().err
    assert found.count("expected one ") == 5
    assert "; and 4 more. Measure all of them alike" in found
