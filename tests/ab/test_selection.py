"""Which cases `ab` compares, and when it fails for a case that it can't compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cli.main import main
from tests.ab.invented import PROBLEM
from tests.helpers.repository import commit_all

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.ab.invented import Invented
    from tests.conftest import Copy


def test_in_a_folder_of_ones_own_every_implementation_takes_part(
    invented: Invented,
    copy_of: Copy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invented(lambda *_: 1.0)
    folder = copy_of("numpy_float32", as_name="my_loop").parent
    options = ["--new-env=A=1", f"--calibration={tmp_path}/noise", PROBLEM]

    assert main(["ab", f"--impl-dir={folder}", *options]) == 0
    assert "my_loop-cpu-B32" in capsys.readouterr().out
    (folder / "my_loop.py").unlink()
    assert main(["ab", f"--impl-dir={folder}", *options]) == 4
    assert "expected files with implementations, found none" in capsys.readouterr().err


def test_a_case_that_vanished_fails_though_only_others_were_asked_for(
    invented: Invented, copy_of: Copy, tmp_path: Path
) -> None:
    invented(lambda *_: 1.0)
    loops = copy_of("numpy_float32", as_name="my_loop").parent / "loops"
    loops.mkdir()
    for name in ("my_loop", "her_loop"):
        (loops / f"{name}.py").write_bytes((tmp_path / "my_loop.py").read_bytes())
    commit_all(tmp_path)
    options = [
        f"--impl-dir={loops}",
        "--base-ref=HEAD",
        "--impl=my_loop",
        f"--calibration={tmp_path}/noise",
        PROBLEM,
    ]

    assert main(["ab", *options]) == 0
    (loops / "her_loop.py").unlink()
    assert main(["ab", *options]) == 5


def test_only_cases_that_can_be_compared_count_where_it_warns_of_too_few_pairs(
    invented: Invented,
    copy_of: Copy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invented(lambda *_: 1.0)
    loops = copy_of("numpy_float32", as_name="my_loop").parent
    commit_all(loops)
    copy_of("numpy_float32", as_name="new_loop")
    options = [f"--impl-dir={loops}", "--base-ref=HEAD", f"--calibration={tmp_path}/noise", PROBLEM]

    for pairs, warning in (7, False), (6, True):
        assert main(["ab", *options, f"--max-pairs={pairs}"]) == 0
        shown = capsys.readouterr().out
        assert "1 unchanged, 1 new, of 2 cases" in shown
        assert ("too few to call any of 1 case slower or faster" in shown) == warning


def test_where_nothing_could_be_compared_the_status_is_5(
    invented: Invented, copy_of: Copy, tmp_path: Path
) -> None:
    invented(lambda *_: 1.0)
    commit_all(tmp_path)
    copy_of("numpy_float32", as_name="my_loop")

    options = [f"--impl-dir={tmp_path}", "--base-ref=HEAD", f"--calibration={tmp_path}/noise", PROBLEM]
    assert main(["ab", *options]) == 5
