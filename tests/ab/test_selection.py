"""Which cases `ab` compares, and when it fails for a case that it can't compare."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from tests.ab.invented import PROBLEM
from tests.helpers.repository import commit_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ab.invented import Invented
    from tests.conftest import Copy


TIER = 'TIER = "eager"\n'
SPANNING = (TIER, f"{TIER}SPANS_RANKS = True\n")


@pytest.fixture
def ab(invented: Invented) -> Callable[..., int]:
    """Compare loops of a folder, whose invented times are all the same; return the exit status."""
    invented(lambda *_: 1.0)

    def compare(folder: Path, *options: str) -> int:
        return main(["ab", f"--impl-dir={folder}", PROBLEM, *options])

    return compare


def test_in_a_folder_of_ones_own_every_implementation_takes_part(
    ab: Callable[..., int], copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of("numpy_float32", as_name="my_loop").parent

    assert ab(folder, "--new-env=A=1") == 0
    assert "my_loop-cpu-B32" in capsys.readouterr().out
    (folder / "my_loop.py").unlink()
    assert ab(folder, "--new-env=A=1") == 4
    assert "expected files with implementations, found none" in capsys.readouterr().err


def test_a_case_that_vanished_fails_though_only_others_were_asked_for(
    ab: Callable[..., int], copy_of: Copy
) -> None:
    loops = copy_of("numpy_float32", as_name="my_loop").parent
    copy_of("numpy_float32", as_name="her_loop")
    commit_all(loops)

    assert ab(loops, "--base-ref=HEAD", "--impl=my_loop") == 0
    (loops / "her_loop.py").unlink()
    assert ab(loops, "--base-ref=HEAD", "--impl=my_loop") == 5


def test_only_cases_that_can_be_compared_count_where_it_warns_of_too_few_pairs(
    ab: Callable[..., int], copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    loops = copy_of("numpy_float32", as_name="my_loop").parent
    commit_all(loops)
    copy_of("numpy_float32", as_name="new_loop")

    for pairs, warning in (7, False), (6, True):
        ab(loops, "--base-ref=HEAD", f"--max-pairs={pairs}")
        shown = capsys.readouterr().out
        assert "1 new, of 2 cases" in shown
        assert ("too few to call any of 1 case slower or faster" in shown) == warning


def test_where_nothing_could_be_compared_the_status_is_5(
    ab: Callable[..., int], copy_of: Copy, tmp_path: Path
) -> None:
    commit_all(tmp_path)
    copy_of("numpy_float32", as_name="my_loop")

    assert ab(tmp_path, "--base-ref=HEAD") == 5


def test_on_several_ranks_it_compares_the_loops_that_span_them_and_names_the_others(
    ab: Callable[..., int], copy_of: Copy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    loops = copy_of("numpy_float32", as_name="my_loop").parent
    copy_of("numpy_float32", SPANNING, as_name="her_loop")

    assert ab(loops, "--new-env=A=1", "--ranks=1", "--ranks=2") == 0
    printed = capsys.readouterr().out
    assert "her_loop-cpu-B32-D2-N4-E3-R2" in printed
    assert "my_loop-cpu-B32-D2-N4-E3" in printed
    assert "my_loop-cpu-B32-D2-N4-E3-R2" not in printed
    assert "left out on 2 ranks, which they don't span: my_loop" in printed


def test_two_files_are_compared_on_several_ranks_if_both_span_them_and_else_the_one_that_does_not_is_named(
    ab: Callable[..., int], copy_of: Copy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    alone = copy_of("numpy_float32", as_name="alone")
    one, other = (copy_of("numpy_float32", SPANNING, as_name=name) for name in ("one", "other"))

    assert ab(one.parent, f"--base-impl={one}", f"--new-impl={other}", "--ranks=2") == 0
    assert "other-cpu-B32-D2-N4-E3-R2" in capsys.readouterr().out
    for sides in ((alone, one), (one, alone)):
        assert ab(one.parent, *map("--{}-impl={}".format, ("base", "new"), sides), "--ranks=2") == 4
        assert "that spans ranks (SPANS_RANKS), found alone;" in capsys.readouterr().err
