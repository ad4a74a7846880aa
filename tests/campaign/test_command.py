"""The command `campaign`: calls that it refuses, and how it ends when all slots are measured."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cases.problems import parse_problem
from benchmarks.cli import campaign
from benchmarks.cli.main import main
from benchmarks.records.run import read_run
from tests.cli.jobs import with_benchmarks, write_document
from tests.helpers.records import INVALID
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.campaign.slots import Slot

CALL = ["campaign", "--impl=torch_eager", "--problem=book", "--problem=small"]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[str, Any]]:
    """Measure each slot at once, on a node that the test may change."""
    changes: dict[int, dict[str, Any]] = {}
    monkeypatch.setattr(campaign, "CAMPAIGNS", tmp_path / "campaigns")

    def measure(slots: list[Slot], *_: object) -> bool:
        for slot in slots:
            change = dict(changes.get(slot.number, {}))
            extra = change.pop("rows", [])
            rows = [timed("torch_eager", [1e-3] * 6, problem=parse_problem(each)) for each in slot.problems]
            run = run_of_day(0, *rows, *extra, settings={"suite": None}, **change)
            write_document(with_benchmarks(run), slot.record)
        return True

    monkeypatch.setattr(campaign, "_measure", measure)
    return changes


@pytest.mark.parametrize("n_slots", [1, 2, 9])
def test_the_records_of_all_slots_become_one(
    n_slots: int, nodes: dict[int, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "run.json"

    assert main([*CALL, f"--slots={n_slots}", "-o", str(record)]) == 0

    assert nodes == {}
    assert capsys.readouterr().out == f"record: {record}\n"
    assert len(read_run(record).rows) == 2
    assert list((tmp_path / "campaigns").iterdir()) == []


def test_nodes_that_differ_are_refused_and_their_records_stay(
    nodes: dict[int, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes[2] = {"cpu": "Another CPU"}

    assert main([*CALL, "--slots=2", "-o", str(tmp_path / "run.json")]) == 4

    refused = capsys.readouterr().err
    assert "the records can't be one run: expected one CPU, found A CPU in " in refused
    assert "slot-1.json and Another CPU in " in refused
    assert len(list(tmp_path.glob("campaigns/*/slot-*.json"))) == 2
    assert not (tmp_path / "run.json").exists()


def test_a_wrong_case_is_the_exit_status(nodes: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    nodes[1] = {"rows": [INVALID]}

    assert main([*CALL, "--slots=2", "-o", str(tmp_path / "run.json")]) == 1

    assert len(read_run(tmp_path / "run.json").rows) == 3


@pytest.mark.usefixtures("nodes")
def test_a_campaign_may_ask_for_more_ranks_than_this_machine_has_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    over_ranks = ["--impl=torch_ddp", "--ranks=8", "--cores=4"]

    assert main([*CALL, *over_ranks, "--slots=1", "-o", str(tmp_path / "run.json")]) == 0


@pytest.mark.usefixtures("nodes")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--impl=torch_eagr"], "Did you mean 'torch_eager'?"),
        (["--problem=bok"], "unknown problem 'bok'"),
        (["--baseline=nobody"], "unknown baseline 'nobody'"),
        (["--ranks=2"], "--ranks 2: expected an implementation that spans ranks"),
        (["--output=/dev/null/run.json"], "can't be written"),
    ],
)
def test_a_call_that_no_job_could_measure_is_refused_before_a_job_is_submitted(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*CALL, "--slots=2", "-o", str(tmp_path / "run.json"), *arguments]) == 4

    assert message in capsys.readouterr().err
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("hide", "message"),
    [
        ("submitit", "pip install 'perceptron-bench[cluster]'"),
        (None, "--slurm-partition: expected a SLURM cluster, found no srun on the path"),
    ],
)
def test_without_submitit_or_a_cluster_the_message_says_what_to_do(
    hide: str | None,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(campaign, "CAMPAIGNS", tmp_path / "campaigns")
    if hide:
        monkeypatch.setitem(sys.modules, hide, None)
        for module in ("jobs", "follow"):  # as if none had imported them yet
            monkeypatch.delitem(sys.modules, f"benchmarks.campaign.{module}", raising=False)
            monkeypatch.delattr(f"benchmarks.campaign.{module}", raising=False)

    arguments = ["--slots=2", "--slurm-partition=cpu", "-o", str(tmp_path / "run.json")]
    assert main([*CALL, *arguments]) == 4

    assert message in capsys.readouterr().err
