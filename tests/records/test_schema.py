"""Characters of a file that steer a terminal, or change the direction of reading, are shown as numbers."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.records.run import read_run
from benchmarks.records.schema import UNSAFE, visible
from benchmarks.report.publish import PAGE, write_report
from benchmarks.report.tables.run import print_run
from impls.contract import Problem
from tests.helpers.pages import payload_of, rows_of
from tests.helpers.records import INVALID, row
from tests.helpers.runs import run_of_day, write

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.run import Run

TURNING = [*map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))]
HOSTILE = "".join([*TURNING, "\x00", "\x07", "\x1b[31m", "\r", "\x7f", "\x9b"])


def hostile(folder: Path) -> Run:
    """Read a run with such characters wherever a text of a record can stand."""
    rows = rows_of(Problem())
    rows[0] = replace(rows[0], implementation=f"a{HOSTILE}b", summary=HOSTILE)
    wrong = replace(INVALID, problem=Problem(), implementation="wrong", reason=HOSTILE)
    run = run_of_day(0, *rows, wrong, machine=HOSTILE, cpu=HOSTILE, versions={HOSTILE: HOSTILE})
    return read_run(write(run, folder / "run.json"))


@pytest.mark.parametrize("ensure_ascii", [True, False], ids=["escaped", "as it is"])
def test_each_is_replaced_by_its_number_and_all_other_text_stays(ensure_ascii: bool) -> None:  # noqa: FBT001 - json's own parameter
    harmless = "µ × “ä” \N{HEBREW LETTER ALEF} \N{GRINNING FACE} \t\n \\u202e"
    every = [char for char in map(chr, range(0x3000)) if UNSAFE.match(char)]
    text = json.dumps({each: [each + harmless, 1.5, None] for each in every}, ensure_ascii=ensure_ascii)

    numbers = [f"\\u{ord(each):04x}" for each in every]
    assert json.loads(visible(text)) == {number: [number + harmless, 1.5, None] for number in numbers}


def test_no_text_of_a_record_that_was_read_holds_one(tmp_path: Path) -> None:
    text = json.dumps(hostile(tmp_path).to_dict(), ensure_ascii=False)

    assert not UNSAFE.search(text)
    assert "a\\\\u061c\\\\u200e" in text


def test_first_page_tables_data_terminal_page_and_plots_show_the_number_only(tmp_path: Path) -> None:
    gallery = pytest.importorskip("benchmarks.report.plots.gallery", reason="needs the extra `report`")
    run, terminal = hostile(tmp_path), io.StringIO()

    write_report([run], tmp_path, leave_out=["plots"])
    print_run(run, Console(file=terminal, width=500))

    assert (tmp_path / PAGE).exists()
    shown = {file: file.read_bytes().decode() for file in tmp_path.rglob("*.[mc][ds]*")}
    assert len(shown) > 8
    texts = [*(text.replace("\r\n", "\n") for text in shown.values()), terminal.getvalue()]
    ((*plots,),) = gallery.plots_of([run]).values()
    drawn = [[plot.name, plot.description, plot.chart.to_dict()] for plot in plots]
    content = payload_of((tmp_path / PAGE).read_text(encoding="utf-8"))
    texts += [json.dumps(value, ensure_ascii=False) for value in (content, drawn)]
    assert "u202e" in texts[-1]
    assert not any(UNSAFE.search(text) for text in texts)


def test_what_is_written_with_half_a_character_is_read_with_its_number(tmp_path: Path) -> None:
    name, whole = "a\udcff\ud83d", "\N{GRINNING FACE}"  # as Python names a file that is not UTF-8
    run = run_of_day(0, row(name, summary=whole + name), versions={name: whole})

    read = read_run(write(run, tmp_path / "run.json"))

    assert read.rows[0].implementation == r"a\udcff\ud83d"
    assert read.rows[0].summary == whole + r"a\udcff\ud83d"
    assert read.provenance.versions == {r"a\udcff\ud83d": whole}
