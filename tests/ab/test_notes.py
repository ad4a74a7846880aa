"""`ab` with a selection: other differences between the sides are named, or compared with --changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from benchmarks.ab import comparison as ab_module
from benchmarks.cli.main import main
from tests.ab.invented import PROBLEM, FakeDispatcher
from tests.helpers.comparisons import COMPARISON
from tests.helpers.repository import commit_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.compare.result import Comparison
    from tests.conftest import Copy

NAMES = ("asked", "other", "third")
SAID = "differ between the sides, not compared: "


@pytest.fixture
def loops(copy_of: Copy, tmp_path: Path) -> Path:
    """Return a folder of implementations, all committed."""
    folder = tmp_path / "loops"
    folder.mkdir()
    for name in NAMES:
        copy_of("numpy_float32", as_name=name).rename(folder / f"{name}.py")
    (folder / "third.c").write_text("int third;\n")
    commit_all(tmp_path)
    return folder


class Ab(Protocol):
    def __call__(self, *arguments: str, unable: Sequence[tuple[str, str]] = ()) -> tuple[int, Comparison]:
        """Compare the folder with its last commit."""


@pytest.fixture
def ab(loops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ab:
    """Compare `asked`, inventing all times: the new side of `other` takes twice as long."""

    def compare(*arguments: str, unable: Sequence[tuple[str, str]] = ()) -> tuple[int, Comparison]:
        def min_s(name: str, side: str, _: int) -> float:
            return 2e-5 if (name, side) == ("other", "new") else 1e-5

        def dispatcher(**settings: Any) -> FakeDispatcher:
            return FakeDispatcher(**settings, min_s=min_s, unable=unable)

        monkeypatch.setattr(ab_module, "Dispatcher", dispatcher)
        fixed = [f"--impl-dir={loops}", "--impl=asked", PROBLEM]
        status = main(["ab", *fixed, f"--json={tmp_path}/ab.json", *arguments])
        return status, COMPARISON.read(tmp_path / "ab.json")

    return compare


def edit(file: Path) -> None:
    file.write_text(file.read_text() + "\nanother_line = 1\n")


def said(comparison: Comparison) -> list[str]:
    return [note.removeprefix(SAID) for note in comparison.notes if note.startswith(SAID)]


def compared(comparison: Comparison) -> dict[str, str]:
    return {verdict.name.partition("-")[0]: verdict.category for verdict in comparison.verdicts}


def test_a_slower_loop_that_nobody_asked_for_is_named_and_found_with_changed(ab: Ab, loops: Path) -> None:
    edit(loops / "other.py")

    status, comparison = ab("--base-ref=HEAD")
    assert (status, compared(comparison)) == (0, {"asked": "unchanged"})
    assert said(comparison) == ["other (--changed compares them, too)"]

    status, comparison = ab("--base-ref=HEAD", "--changed")
    assert (status, compared(comparison)) == (1, {"asked": "unchanged", "other": "slower"})
    assert said(comparison) == []


@pytest.mark.parametrize("arguments", [["--base-ref=HEAD"], ["--new-env=A=1"]])
def test_where_nothing_else_differs_nothing_is_added_and_nothing_said(
    ab: Ab, loops: Path, arguments: list[str]
) -> None:
    edit(loops / "asked.py")

    status, comparison = ab(*arguments, "--changed")

    assert (status, compared(comparison), said(comparison)) == (0, {"asked": "unchanged"}, [])


def test_a_new_loop_and_one_whose_c_file_changed_differ(ab: Ab, loops: Path) -> None:
    edit(loops / "third.c")
    (loops / "fourth.py").write_bytes((loops / "asked.py").read_bytes())

    _, left_out = ab("--base-ref=HEAD")
    _, added = ab("--base-ref=HEAD", "--changed")

    assert said(left_out) == ["fourth, third (--changed compares them, too)"]
    assert compared(added) == {"asked": "unchanged", "fourth": "new", "third": "unchanged"}


def test_what_was_added_and_can_be_measured_on_neither_side_is_named_and_fails_nothing(
    ab: Ab, loops: Path
) -> None:
    edit(loops / "other.py")
    nowhere = [("other", "base"), ("other", "new")]

    status, comparison = ab("--base-ref=HEAD", "--changed", unable=nowhere)
    assert (status, compared(comparison)) == (0, {"asked": "unchanged"})
    (told,) = said(comparison)
    assert told.startswith("other-cpu-B32-D2-N4-E3: base: no such device; new: no such device")

    status, comparison = ab("--base-ref=HEAD", "--impl=other", unable=nowhere)
    assert (status, compared(comparison)["other"]) == (5, "missing")


def test_what_can_no_longer_be_measured_fails(ab: Ab, loops: Path) -> None:
    edit(loops / "other.py")

    status, comparison = ab("--base-ref=HEAD", "--changed", unable=[("other", "new")])

    assert (status, compared(comparison)["other"]) == (5, "missing")


def test_beside_a_file_nothing_else_is_looked_at(ab: Ab, loops: Path) -> None:
    status, comparison = ab(f"--base-impl={loops / 'other.py'}", "--changed")

    assert (status, compared(comparison), said(comparison)) == (0, {"asked": "unchanged"}, [])
