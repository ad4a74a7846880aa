"""Calibrations that can't be read, or are other files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.compare.calibration import (
    CALIBRATION,
    Fingerprint,
    find,
    save,
)
from benchmarks.errors import UsageError
from tests.compare.test_calibration import CASE, PROVENANCE, calibration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_saving_over_a_file_that_is_none_of_ours_is_refused_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = Fingerprint.of(PROVENANCE).path(tmp_path)
    path.write_text("precious", encoding="utf-8")

    with pytest.raises(UsageError, match="expected a calibration in JSON"):
        save(calibration(a=CASE), tmp_path)
    assert path.read_text(encoding="utf-8") == "precious"


def _edited(change: Callable[[dict[str, Any]], object], folder: Path) -> str:
    fields = json.loads(save(calibration(a=CASE), folder).read_text(encoding="utf-8"))
    change(fields)
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda fields: fields.update(schema_version=CALIBRATION.version + 1),
            f"expected schema version {CALIBRATION.version}, found {CALIBRATION.version + 1}; remove it and ",
        ),
        (lambda fields: fields.update(schema_version=1), "found 1; remove it and calibrate again"),
        (lambda fields: fields.pop("cases"), "cases: expected an object, found nothing"),
        (lambda fields: fields.pop("date"), "date: expected a text, found nothing"),
        (lambda fields: fields.update(date=7), "date: expected a text, found 7"),
        (lambda fields: fields.update(machine={}), "machine.cpu: expected a text, found nothing"),
        (lambda fields: fields["cases"]["a"].update(threshold="5"), "threshold: expected a number"),
        (
            lambda fields: fields["cases"]["a"].update(threshold=-0.1),
            "threshold: expected a number from",
        ),
        (lambda fields: fields["cases"]["a"].update(threshold=float("nan")), "threshold: expected a number"),
        (lambda fields: fields["cases"]["a"].update(noise=float("nan")), "noise: expected a number"),
        (lambda fields: fields["cases"]["a"].update(ratios=[0.0]), "ratios[0]: expected a number from"),
        (lambda fields: fields["cases"]["a"].pop("noise"), "noise"),
        (lambda fields: fields["cases"]["a"].pop("n_cases"), "n_cases"),
    ],
)
def test_a_calibration_of_the_future_or_edited_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = Fingerprint.of(PROVENANCE).path(tmp_path)
    path.write_text(_edited(change, tmp_path), encoding="utf-8")

    with pytest.raises(UsageError) as error:
        find(PROVENANCE, tmp_path)
    assert str(error.value).startswith(f"{path}: expected ")
    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'{"date": "2026', b"[]", b"null", b'{"a": 1}'])
def test_a_calibration_that_is_cut_off_or_another_file_is_refused_by_name(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"other\.json: expected a calibration"):
        find(PROVENANCE, tmp_path)


def test_another_machines_broken_file_does_not_keep_this_machine_from_its_own(tmp_path: Path) -> None:
    made = calibration(a=CASE)
    save(made, tmp_path)
    (tmp_path / "0000.json").write_text("broken", encoding="utf-8")

    assert find(PROVENANCE, tmp_path)[0] == made
