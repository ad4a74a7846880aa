"""What a comparison that is resumed takes over from the call that was killed, and what it measures again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.ab.resume import forget_incomplete_pairs, workplace
from benchmarks.cli.main import main
from benchmarks.runner.system import choose_cpus, collect_provenance
from tests.ab.invented import PROBLEM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ab.invented import Invented


def leave(folder: Path, name: str, *, ended: bool = True) -> None:
    """Leave what a worker leaves: whose report is not there was cut short."""
    for suffix in ("job", "jsonl", "report") if ended else ("job", "jsonl"):
        (folder / f"{name}.{suffix}").touch()


def names_in(folder: Path) -> set[str]:
    """Name the workers of whom something is there."""
    return {file.stem for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("cut_short", [[], ["00-01-base-cpu-2"]], ids=["not begun", "cut short"])
def test_a_pair_of_which_a_side_is_lacking_is_measured_again(cut_short: list[str], tmp_path: Path) -> None:
    whole = {"00-00-base-cpu-1", "00-00-new-cpu-1", "-1-00-base-cpu-1", "-1-00-new-cpu-1"}
    for name in (*whole, "00-01-new-cpu-2"):
        leave(tmp_path, name)
    for name in cut_short:
        leave(tmp_path, name, ended=False)
    (tmp_path / "caches").mkdir()

    forget_incomplete_pairs(tmp_path)

    assert names_in(tmp_path) == whole
    assert (tmp_path / "caches").exists()


@pytest.mark.parametrize("first", ["-1", "00"], ids=["before the pairs", "with the first pair"])
def test_an_inspection_that_was_cut_short_begins_anew_with_empty_caches(first: str, tmp_path: Path) -> None:
    leave(tmp_path, f"{first}-00-base-cpu-1")
    leave(tmp_path, f"{first}-00-new-cpu-1")
    leave(tmp_path, f"{first}-01-base-cpu-1", ended=False)
    (tmp_path / "caches" / "base").mkdir(parents=True)

    forget_incomplete_pairs(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_stays_until_its_comparison_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.runner.resume.UNFINISHED", tmp_path)
    provenance = collect_provenance(choose_cpus(1))

    with workplace("this", provenance) as place:
        leave(place.folder, "00-00-base-cpu-1")
        leave(place.folder, "00-00-new-cpu-1")
    with workplace("this", provenance) as again:
        assert again.folder == place.folder
        assert len(names_in(again.folder) - {"lock", "seed"}) == 2
        again.is_done = True

    assert list(tmp_path.iterdir()) == []


def test_a_comparison_that_resumes_goes_on_with_its_seed_and_every_other_draws_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.runner.resume.UNFINISHED", tmp_path)
    provenance = collect_provenance(choose_cpus(1))

    def seed_of(run_identity: object | None) -> str:
        with workplace(run_identity, provenance) as place:
            leave(place.folder, "00-00-base-cpu-1")
            leave(place.folder, "00-00-new-cpu-1")
            return place.seed

    first, again, other, *temporary = map(seed_of, ("this", "this", "that", None, None))

    assert again == first
    assert len({first, other, *temporary}) == 4


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["calibrate", "--pairs=10", "--impl=numpy_float32"], 0),
        (["ab", "--new-env=A=1", "--impl=numpy_float32"], 0),
        (["ab", "--new-env=A=1", "--impl=numpy_float32", "--threshold=nobody=5"], 4),
        (["ab"], 4),
    ],
    ids=["calibrate", "ab", "ab, an unknown case", "ab, no difference"],
)
def test_nothing_is_left_of_what_is_done_or_was_refused(
    arguments: list[str],
    status: int,
    invented: Invented,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.runner.resume.UNFINISHED", tmp_path / "unfinished")
    invented(lambda *_: 1.0)

    assert main([*arguments, "--resume", PROBLEM]) == status

    assert list((tmp_path / "unfinished").iterdir()) == []
