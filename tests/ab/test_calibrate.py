"""`perceptron-bench calibrate`: what it stores, and what `ab` makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from tests.ab.invented import PROBLEM, ab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ab.invented import Invented
    from tests.conftest import Copy


def test_calibration_raises_the_threshold_of_a_case_that_drifts_and_ab_takes_it(
    invented: Invented,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Though nothing differs, one side is 5 % slower for a dozen pairs: the default threshold calls it slower.
    invented(lambda _, side, pair: 1.049 if (side == "new") == (pair < 12) else 1.0)
    folder = tmp_path / "noise"

    assert ab(folder=tmp_path) == 1
    assert main(["calibrate", "--pairs=24", "--impl=numpy_float32", f"--calibration={folder}", PROBLEM]) == 0
    (file,) = folder.glob("*.json")
    (case,) = json.loads(file.read_text(encoding="utf-8"))["cases"].values()
    assert case["threshold"] == pytest.approx(0.05)
    capsys.readouterr()

    assert ab(folder=tmp_path) == 0
    fitting = capsys.readouterr().out
    assert "calibration of" in fitting
    assert "calibrated for other" not in fitting
    assert ab("--impl=torch_eager", "--threshold=torch=5", "--max-pairs=21", folder=tmp_path) == 0
    told = "calibrated for other comparisons (of at most 1 case, not 2; of at most 20 pairs, not 21)"
    assert told in capsys.readouterr().out


def test_a_side_with_versions_that_were_not_calibrated_is_told(
    invented: Invented,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invented(lambda *_: 1.0)
    python = tmp_path / "nightly"
    python.write_text("""#!/bin/sh\necho '{"python": "3.12.9", "numpy": "99"}'\n""", encoding="utf-8")
    python.chmod(0o755)
    options = ["--pairs=10", "--impl=numpy_float32", f"--calibration={tmp_path}/noise", PROBLEM]
    assert main(["calibrate", *options]) == 0
    capsys.readouterr()

    assert ab(folder=tmp_path) == 0
    assert "STALE" not in capsys.readouterr().out
    assert ab(f"--new-python={python}", folder=tmp_path) == 0
    shown = capsys.readouterr().out
    assert "the calibration is STALE for new, which has other versions (python " in shown
    assert " → 99)" in shown


def test_calibration_counts_the_cases_as_a_comparison_of_them_does(invented: Invented, copy_of: Copy) -> None:
    invented(lambda name, _, pair: -1.0 if (name, pair) == ("broken", 0) else 1.0)
    for name in ("one", "other", "broken"):
        loops = copy_of("numpy_float32", as_name=name).parent

    options = ["--pairs=10", "--max-pairs=40", f"--impl-dir={loops}", f"--calibration={loops}/noise", PROBLEM]
    status = main(["calibrate", *options])

    (file,) = (loops / "noise").glob("*.json")
    cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    assert status == 5
    assert [(name.split("-")[0], case["n_cases"], case["max_pairs"]) for name, case in cases.items()] == [
        ("one", 3, 40),  # that the third would break was not known when the first pairs were judged
        ("other", 3, 40),
    ]


def test_without_a_calibration_the_report_says_so(
    invented: Invented,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invented(lambda *_: 1.0)

    ab(folder=tmp_path)

    assert "no calibration of this machine" in capsys.readouterr().out
