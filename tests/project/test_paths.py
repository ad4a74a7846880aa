"""Results go to the checkout, or below the current folder where the code is installed elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE, is_checkout, local_results
from benchmarks.records.run import read_run
from tests.helpers.repository import copy_code

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def without_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERCEPTRON_BENCH_RESULTS", raising=False)


def test_a_checkouts_results_are_in_it() -> None:
    assert is_checkout(CODE)
    assert local_results(CODE) == CODE / "results" / "local"


@pytest.mark.parametrize("text", [None, "not TOML", "[tool]", '[project]\nname = "another"'])
def test_an_installations_results_are_in_the_current_folder(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)

    assert local_results(tmp_path) == tmp_path / "perceptron-bench-results"


def test_a_variable_names_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERCEPTRON_BENCH_RESULTS", str(tmp_path))

    assert local_results(CODE) == tmp_path


def test_code_outside_a_checkout_measures_below_the_current_folder(tmp_path: Path) -> None:
    site, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    copy_code(site, "benchmarks", "impls")
    shutil.copy(CODE / "tests" / "helpers" / "quiet.py", site)
    variables = os.environ | {"PYTHONPATH": str(site)}
    options = ["--quick", "--impl=numpy_float32", "--device=cpu", "--problem=book,batch_size=8,n_epochs=1"]

    command = [sys.executable, "-P", "-m", "quiet", "benchmarks", "run", *options]
    done = subprocess.run(command, cwd=here, env=variables, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = here.glob("perceptron-bench-results/looks/*.json")
    assert read_run(record).rows[0].is_timed
    assert read_run(record).provenance.commit is None
