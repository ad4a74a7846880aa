"""Results go to the checkout, or below the current folder where the code is installed elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE, is_checkout, local_results

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
