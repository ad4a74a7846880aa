"""The answers of the FAQ: what they change is changed, and what they say was found was found."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import discover, read_entry
from benchmarks.paths import CODE, IMPLEMENTATIONS
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from benchmarks.studies import faq
from benchmarks.studies.faq import (
    FAQ,
    FOUND,
    MADE,
    main,
    proposals,
    run,
)
from tests.helpers.documents import code_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Measured

PAGE = FAQ.read_text(encoding="utf-8")
CHANGES = {made[1]: made[0] for token in code_in(PAGE) for made in MADE.finditer(token.content)}
"""The page's calls of sed, by what they make."""

bash = shutil.which("bash")
pytestmark = pytest.mark.skipif(bash is None, reason="there is no bash")


def change(name: str, folder: Path) -> Path:
    (folder / "impls").symlink_to(IMPLEMENTATIONS)
    subprocess.run([str(bash), "-euc", CHANGES[name]], cwd=folder, check=True)  # noqa: S603 - our own page
    return folder / f"{name}.py"


def test_on_the_gpu_typical_epochs_are_as_far_above_the_fastest_as_the_page_says() -> None:
    found = re.search(
        r"up to ([\d.]+) times as long in JAX's loops,\s"
        r"up to ([\d.]+) times in PyTorch's loops that launch each kernel, "
        r"and at most ([\d.]+) times in PyTorch's captured graphs\s"
        r"\(\[the record\]\(\.\./(.*)\)\)",
        PAGE,
    )
    assert found
    above: dict[str, float] = {"jax": 0, "torch": 0, "captured": 0}
    for row in read_run(CODE / found[4]).rows:
        kind = "captured" if "cudagraph" in row.implementation else row.framework
        above[kind] = max(above[kind], *(each.median_s / each.min_s for each in row.processes))
    assert [float(found[1]), float(found[2]), float(found[3])] == [
        round(above["jax"], 1), round(above["torch"], 2), round(above["captured"], 2)
    ]  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_the_page_proposes_changes_an_implementation_into_another(
    name: str, tmp_path: Path
) -> None:
    path = change(name, tmp_path)

    (source,) = re.findall(r"impls/(\w+)\.py", CHANGES[name])
    assert path.read_text(encoding="utf-8") != discover()[source].path.read_text(encoding="utf-8")
    assert read_entry(path).framework == discover()[source].framework


def test_float64_is_invalid_as_the_page_says(tmp_path: Path, measured: Measured) -> None:
    row = measured(change("float64", tmp_path))

    assert row.verdict is Verdict.INVALID
    assert "expected float32, found float32 and float64" in str(row.reason)


@pytest.mark.parametrize("name", proposals(PAGE))
def test_what_the_page_says_was_found_is_what_the_report_says(name: str) -> None:
    said = re.search(rf"Found: \*\*(\w+)\*\* \(\[report\]\(\.\./results/faq/{name}\.md\)\)", PAGE)
    report = json.loads((FOUND / f"{name}.json").read_text(encoding="utf-8"))
    (verdict,) = report["perceptron_bench_comparison"]["verdicts"]

    assert said, f"python -m benchmarks.studies.faq {name} finds {verdict['category']}"
    assert said[1] == verdict["category"]
    assert verdict["name"].startswith(f"{name}-cpu-book")


def test_a_proposal_is_run_as_the_page_has_it_and_what_it_finds_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called; ls > {tmp_path}/files; exit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(faq, "FOUND", tmp_path / "found")

    status = run(proposals(PAGE)["unrolled"], "unrolled")

    assert status == 1
    called = (tmp_path / "called").read_text().split()
    assert called[:3] == ["-m", "benchmarks", "ab"]
    assert called[called.index("--new-impl") + 1] == "unrolled.py"
    assert called[called.index("--json") + 1] == str(tmp_path / "found" / "unrolled.json")
    assert "unrolled.py" in (tmp_path / "files").read_text().split()


def test_each_proposal_is_run_and_one_without_a_verdict_shows_in_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    statuses = {"unrolled": 1, "foreach": 0, "cpp_wrapper": 5}
    monkeypatch.setattr(faq, "FOUND", tmp_path / "found")

    def noted(_: str, name: str) -> int:
        ran.append(name)
        return statuses.get(name, 0)

    monkeypatch.setattr(faq, "run", noted)

    assert main(["unrolled", "foreach"]) == 0
    assert main([]) == 1
    assert main(["unroled"]) == 4

    assert ran == ["unrolled", "foreach", *proposals(PAGE)]
    assert "unknown proposal 'unroled'" in capsys.readouterr().err
