"""`perceptron-bench calibrate`: the noise of pairs whose two sides are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cli.main import main
from tests.ab.invented import PROBLEM

if TYPE_CHECKING:
    import pytest

    from tests.ab.invented import Invented
    from tests.conftest import Copy


def test_it_shows_the_noise_of_each_case_and_names_a_case_that_breaks(
    invented: Invented, copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    def min_s(name: str, side: str, pair: int) -> float:
        broken = -1.0 if (name, pair) == ("broken", 0) else 1.0
        return 1.01 if (name, side) == ("noisy", "new") and pair % 2 else broken

    invented(min_s)
    for name in ("quiet", "noisy", "broken"):
        loops = copy_of("numpy_float32", as_name=name).parent

    assert main(["calibrate", "--pairs=10", f"--impl-dir={loops}", PROBLEM]) == 5

    shown = capsys.readouterr().out
    noise = {line.split("-")[0].strip(" │"): line for line in shown.splitlines() if "%" in line}
    assert set(noise) == {"quiet", "noisy"}
    assert "0.00%" in noise["quiet"]
    assert "not calibrated: broken-cpu-" in shown


def test_too_few_pairs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--pairs=9", "--impl=numpy_float32"]) == 4
    assert "--pairs: expected at least 10, found 9" in capsys.readouterr().err
