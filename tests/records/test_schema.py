"""What a file holds that would steer a terminal, or turn the direction of reading, is shown instead."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.records import schema
from benchmarks.records.run import read_run
from benchmarks.records.schema import may_steer, visible
from benchmarks.report.publish import PAGE, write_report
from benchmarks.report.tables.run import print_run
from impls.contract import Problem
from tests.helpers.pages import rows_of
from tests.helpers.runs import run_of_day, write
from tests.records.test_run import INVALID

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.run import Run

TURNING = [*map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))]
STEERING = "".join([*TURNING, "\x00", "\x07", "\x1b[31m", "\r", "\x7f", "\x9b"])


def hostile(folder: Path) -> Run:
    """Read a run with such characters wherever a text of a record can stand."""
    rows = rows_of(Problem())
    rows[0] = replace(rows[0], implementation=f"a{STEERING}b", summary=STEERING)
    wrong = replace(INVALID, problem=Problem(), implementation="wrong", reason=STEERING)
    run = run_of_day(0, *rows, wrong, machine=STEERING, cpu=STEERING, versions={STEERING: STEERING})
    return read_run(write(run, folder / "run.json"))


@pytest.mark.parametrize("character", STEERING.replace("[31m", ""))
def test_it_is_written_by_its_number_and_all_other_text_stays(character: str) -> None:
    number, harmless = f"\\u{ord(character):04x}", "µ × “ä” \N{HEBREW LETTER ALEF} \t\n"

    assert visible({f"{character}a": [f"b{character}", 1.5, None]}) == {
        f"{number}a": [f"b{number}", 1.5, None]
    }
    assert visible(harmless) == harmless


@pytest.mark.parametrize("ensure_ascii", [True, False], ids=["escaped", "as it is"])
def test_a_file_that_holds_any_of_them_is_gone_through_and_no_other(ensure_ascii: bool) -> None:  # noqa: FBT001 - json's own parameter
    every = [char for char in map(chr, range(0x3000)) if schema.STEERING.match(char)]

    assert all(may_steer(json.dumps(each, ensure_ascii=ensure_ascii)) for each in every)
    assert not may_steer(json.dumps({"µ": "× “ä” \N{HEBREW LETTER ALEF} \t\n"}, ensure_ascii=ensure_ascii))


def test_no_text_of_a_record_that_was_read_holds_one(tmp_path: Path) -> None:
    text = json.dumps(hostile(tmp_path).to_dict(), ensure_ascii=False)

    assert visible(text) == text
    assert "a\\\\u061c\\\\u200e" in text


def test_first_page_tables_data_terminal_page_and_pictures_show_the_number_only(tmp_path: Path) -> None:
    gallery = pytest.importorskip("benchmarks.report.plots.gallery", reason="needs the extra `report`")
    page = pytest.importorskip("benchmarks.report.html.page", reason="needs the extra `report`")
    run, terminal = hostile(tmp_path), io.StringIO()

    write_report([run], tmp_path, leave_out=["pictures"])
    print_run(run, Console(file=terminal, width=500))

    assert (tmp_path / PAGE).exists()
    shown = {file: file.read_bytes().decode() for file in tmp_path.rglob("*.[mc][ds]*")}
    assert len(shown) > 8
    texts = [*(text.replace("\r\n", "\n") for text in shown.values()), terminal.getvalue()]
    ((*pictures,),) = gallery.plots_of([run]).values()
    drawn = [[picture.name, picture.description, picture.chart.to_dict()] for picture in pictures]
    content = page.payload_of((tmp_path / PAGE).read_text(encoding="utf-8"))
    texts += [json.dumps(value, ensure_ascii=False) for value in (content, drawn)]
    assert "u202e" in texts[-1]
    for text in texts:
        assert visible(text) == text
