"""Asking implementations where they can run: one process for many, and what a file that breaks it costs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Verdict
from benchmarks.runner import case, probe
from benchmarks.runner import launch as launcher
from benchmarks.runner.case import Case
from benchmarks.runner.launch import launch
from benchmarks.runner.probe import probe_all
from benchmarks.worker.messages import Job
from impls.contract import DEVICES
from tests.conftest import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.runner.answers import Report
    from benchmarks.runner.probe import Answer
    from impls.contract import Device
    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("forking")

NUMPY = "import numpy as np\n"
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
    os._exit(0)
"""


@pytest.fixture
def forking(forked: None, numpy_float32: Path, tmp_path: Path) -> None:
    """Fork workers off a process of this thread: it would end with the thread of a pool."""
    del forked
    launch(Job(path=str(numpy_float32), framework="numpy", devices=("cpu",)), tmp_path, "first")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note which files each process is asked about, by name."""
    noted: list[list[str]] = []

    def launch_and_note(job: Job, folder: Path, name: str) -> Report:
        noted.append([path.rpartition("/")[2].removesuffix(".py") for path in (job.path, *job.others)])
        return launch(job, folder, name)

    monkeypatch.setattr(probe, "launch", launch_and_note)
    return noted


def answers_of(copy_of: Copy, tmp_path: Path, b: str = "") -> list[Answer]:
    """Ask four copies of NumPy's loop, of which `b` begins with some code."""
    changes = {"b": [(NUMPY, f"{b}\n{NUMPY}")] if b else []}
    paths = [copy_of("numpy_float32", *changes.get(name, []), as_name=name) for name in "abcd"]
    return probe_all([read_entry(path) for path in paths], DEVICES, tmp_path)


def test_one_process_answers_for_all_implementations_of_a_framework(
    copy_of: Copy, tmp_path: Path, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "unsupported_reason", lambda _: None)

    answers = answers_of(copy_of, tmp_path)

    assert asked == [["a", "b", "c", "d"]]
    assert [answer["cpu"] for answer in answers] == [None] * 4
    assert {end.reason for answer in answers if (end := answer["cuda"])} == {"NumPy runs on the CPU only"}


def test_of_a_device_that_the_machine_lacks_no_process_is_asked_and_the_reason_is_that_of_a_run(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(device: Device, *_: object) -> str | None:
        return "no GPU" if device == "cuda" else None

    def launch_and_check(job: Job, folder: Path, name: str) -> Report:
        assert job.devices == ("cpu",)
        return launch(job, folder, name)

    for module in (case, probe):
        monkeypatch.setattr(module, "unsupported_reason", lacking)
    monkeypatch.setattr(probe, "launch", launch_and_check)
    entry = read_entry(numpy_float32)

    (answer,) = probe_all([entry], DEVICES, tmp_path)

    assert answer["cpu"] is None
    assert answer["cuda"] is not None
    assert answer["cuda"].verdict is Verdict.NOT_MEASURED
    assert answer["cuda"].reason == Case(entry, "cuda", SMALL).skip_reason == "no GPU"


def test_a_framework_that_is_not_installed_is_the_answer_for_all_of_its_implementations(
    copy_of: Copy, tmp_path: Path, asked: list[list[str]]
) -> None:
    absent = ('FRAMEWORK = "numpy"', 'FRAMEWORK = "no_such_framework"')
    entries = [read_entry(copy_of("numpy_float32", absent, as_name=name)) for name in "ab"]

    answers = probe_all(entries, DEVICES, tmp_path)

    assert len(asked) == 1
    assert [end.reason for answer in answers if (end := answer["cpu"])] == [
        "no_such_framework is not installed"
    ] * 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("raise ImportError('broken')", "ImportError: broken"),
        ("import sys; sys.exit(0)", "ended early, with exit status 0"),
    ],
    ids=["killed", "raises", "exits"],
)
def test_a_file_that_ends_the_process_costs_its_own_row_only(
    code: str, reason: str, copy_of: Copy, tmp_path: Path, asked: list[list[str]]
) -> None:

    first, broken, *others = (answer["cpu"] for answer in answers_of(copy_of, tmp_path, code))

    assert asked[:2] == [["a", "b", "c", "d"], ["b"]]
    assert first is None
    assert others == [None, None]
    assert broken is not None
    assert broken.verdict is Verdict.FAILED
    assert reason in broken.reason


def test_a_file_that_only_breaks_beside_others_is_answered_as_if_it_were_alone(
    copy_of: Copy, tmp_path: Path, asked: list[list[str]]
) -> None:
    answers = answers_of(copy_of, tmp_path, "import sys\nassert 'impls.a' not in sys.modules")

    assert [answer["cpu"] for answer in answers] == [None] * 4
    assert asked == [["a", "b", "c", "d"], ["b"], ["c", "d"]]


def test_only_the_file_that_leaves_a_process_behind_is_invalid(
    copy_of: Copy, tmp_path: Path, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "subprocess", subprocess)  # of a fork, the system shows other variables
    first, leaving, *others = (answer["cpu"] for answer in answers_of(copy_of, tmp_path, DAEMON))

    assert asked == [["a", "b", "c", "d"], ["a"], ["b"], ["c"], ["d"]]
    assert [first, *others] == [None] * 3
    assert leaving is not None
    assert leaving.verdict is Verdict.INVALID


def test_a_file_that_hangs_costs_its_own_row_only(
    copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "TOGETHER_TIMEOUT_S", 2.0)
    monkeypatch.setattr(probe, "ALONE_TIMEOUT_S", 3.0)

    first, hanging, *others = (
        answer["cpu"] for answer in answers_of(copy_of, tmp_path, "import time\ntime.sleep(3600)")
    )

    assert [first, *others] == [None] * 3
    assert hanging is not None
    assert "no result within 3 s" in hanging.reason
