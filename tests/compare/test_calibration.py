"""Calibrations: where a machine's noise is kept, and how it is found again."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ab import comparison
from benchmarks.cli import ab
from benchmarks.cli.main import main
from benchmarks.compare.calibration import (
    CALIBRATION,
    LOCK,
    Calibration,
    Fingerprint,
    find,
    require_usable,
    save,
    stale_sides,
)
from benchmarks.compare.noise import CaseCalibration
from benchmarks.compare.result import SideRecord
from benchmarks.errors import UsageError
from benchmarks.files import PARTIAL
from tests.helpers.records import run_of
from tests.helpers.runs import elsewhere

PROVENANCE = run_of().provenance

CASE = CaseCalibration(
    ratios=(1.0, 1.01),
    noise=0.01,
    threshold=0.05,
    false_alarms=0.0,
    undecided=0.1,
    detectable=None,
    n_cases=2,
    alpha=0.01,
    max_pairs=20,
)


def calibration(**cases: CaseCalibration) -> Calibration:
    return Calibration(date="2026-11-23T12:00:00+00:00", machine=Fingerprint.of(PROVENANCE), cases=cases)


def test_what_is_saved_is_read_back_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    made = calibration(a=CASE, b=replace(CASE, detectable=0.08))

    path = save(made, tmp_path / "new" / "folder")

    assert CALIBRATION.read(path) == made
    assert path == made.machine.path(tmp_path / "new" / "folder")
    assert {each.name for each in path.parent.iterdir()} == {path.name, LOCK}


def test_saving_keeps_the_cases_calibrated_earlier_and_overrules_those_calibrated_again(
    tmp_path: Path,
) -> None:
    save(calibration(a=CASE, b=CASE), tmp_path)
    again = replace(calibration(b=replace(CASE, threshold=0.1)), date="2026-11-24T12:00:00+00:00")

    merged = CALIBRATION.read(save(again, tmp_path))

    assert {name: case.threshold for name, case in merged.cases.items()} == {"a": 0.05, "b": 0.1}
    assert merged.date == again.date


def test_two_that_save_at_a_time_lose_none_of_each_others_cases(tmp_path: Path) -> None:
    save(calibration(first=CASE), tmp_path)

    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(save, [calibration(**{f"case{i}": CASE}) for i in range(40)], [tmp_path] * 40))

    (path,) = tmp_path.glob("*.json")
    assert len(CALIBRATION.read(path).cases) == 41


def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match=r"can't be written \(Not a directory\)"):
        save(calibration(a=CASE), tmp_path / "file" / "folder")


def test_a_file_that_a_killed_writer_left_is_not_taken_for_a_calibration(tmp_path: Path) -> None:
    made = calibration(a=CASE)
    save(made, tmp_path)
    (tmp_path / PARTIAL.format(0)).write_text('{"date": "20', encoding="utf-8")

    assert find(elsewhere(PROVENANCE, system="Linux 7"), tmp_path)[0] == made  # looks at every file
    assert set(CALIBRATION.read(save(calibration(b=CASE), tmp_path)).cases) == {"a", "b"}


def test_whether_it_can_be_saved_is_found_out_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(**_: Any) -> None:
        pytest.fail("measured before it was known whether the result can be kept")

    monkeypatch.setattr(comparison, "Dispatcher", measured)
    monkeypatch.setattr(ab, "collect_provenance", lambda _: PROVENANCE)
    Fingerprint.of(PROVENANCE).path(tmp_path).write_text("precious", encoding="utf-8")

    for folder in (tmp_path, Path("/dev/null/folder")):
        assert main(["calibrate", "--impl=numpy_float32", f"--calibration={folder}"]) == 4
    expected, unwritable = capsys.readouterr().err.splitlines()
    assert "expected a calibration in JSON" in expected
    assert "can't be written (Not a directory); name another folder with --calibration" in unwritable


def test_finding_out_whether_it_can_be_saved_leaves_no_file(tmp_path: Path) -> None:
    require_usable(PROVENANCE, tmp_path / "new")

    assert list((tmp_path / "new").iterdir()) == []


def test_this_machines_calibration_is_found_beside_those_of_others(tmp_path: Path) -> None:
    made = calibration(a=CASE)
    for cpu in ("Another CPU", "A third CPU"):
        save(replace(made, machine=replace(made.machine, cpu=cpu)), tmp_path)
    save(made, tmp_path)

    assert find(PROVENANCE, tmp_path) == (made, f"calibration of {made.date}")


def test_where_there_is_none_it_says_that_thresholds_are_the_defaults(tmp_path: Path) -> None:
    other = replace(calibration(a=CASE), machine=Fingerprint.of(elsewhere(PROVENANCE, cpu="Another CPU")))
    save(other, tmp_path)

    for folder in (tmp_path, tmp_path / "nowhere"):
        found, note = find(PROVENANCE, folder)
        assert found is None
        assert note.startswith("no calibration of this machine, so thresholds are the defaults; ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"versions": {"python": "3.11.7", "torch": "2.14.0"}}, "torch 2.13.0 → 2.14.0"),
        ({"versions": {"python": "3.11.7", "torch": "2.13.0", "jax": "0.10.2"}}, "jax none → 0.10.2"),
        ({"system": "Linux 7"}, "system Linux → Linux 7"),
        (
            {"system": "Linux 7", "versions": {"python": "3.12.1", "torch": "2.13.0"}},
            "system Linux → Linux 7; python 3.11.7 → 3.12.1",
        ),
    ],
)
def test_the_calibration_of_other_versions_is_taken_and_called_stale_with_what_changed(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    made = calibration(a=CASE)
    save(made, tmp_path)

    found, note = find(elsewhere(PROVENANCE, **changes), tmp_path)

    assert found == made
    assert note.startswith(f"calibration of {made.date} is STALE (since then {told}); ")


def test_of_a_side_with_versions_of_its_own_it_is_told_that_they_were_not_calibrated() -> None:
    known, here = calibration(a=CASE), PROVENANCE.versions
    newer = here | {"torch": "2.14.0"}
    sides = {
        name: SideRecord(name=name, versions=versions, commit=None, differs={})
        for name, versions in (("base", here), ("new", newer))
    }

    assert stale_sides(known, PROVENANCE, sides.values()) == [
        "the calibration is STALE for new, which has other versions (torch 2.13.0 → 2.14.0)"
    ]
    assert stale_sides(None, PROVENANCE, sides.values()) == []
    # Of the harness's own, which a side has where the user says nothing, `find` tells.
    assert stale_sides(known, replace(PROVENANCE, versions=newer), sides.values()) == []


def test_of_several_stale_ones_the_latest_is_taken(tmp_path: Path) -> None:
    for day in range(20, 30):
        machine = Fingerprint.of(elsewhere(PROVENANCE, system=f"Linux {day}"))
        save(Calibration(date=f"2026-11-{day}", machine=machine, cases={"a": CASE}), tmp_path)

    found, _ = find(PROVENANCE, tmp_path)

    assert found is not None
    assert found.date == "2026-11-29"
