"""What a report contains: the same numbers everywhere, and the plots where they belong."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.analysis.cells import in_unit
from benchmarks.errors import UsageError
from benchmarks.report.publish import PAGE, write_report
from benchmarks.report.readme.cells import NO_BREAK
from benchmarks.report.tables.run import print_run
from tests.helpers.pages import payload_of
from tests.helpers.records import ABSENT, INVALID
from tests.helpers.runs import run_of_day, three_rows

if TYPE_CHECKING:
    from pathlib import Path

RUN = run_of_day(0, *three_rows(), INVALID, ABSENT)


def line_cells(line: str) -> list[str]:
    """Split a table's line into cells, without intervals in brackets."""
    return re.split(r" \(.*?\) *|\s*\|\s*|\s{2,}", line)


def csv_cells(folder: Path) -> list[list[str]]:
    """Return each timed row's numbers in the CSV as a table's cells; the README has the first three only."""
    pytest.importorskip("pyarrow", reason="part of the extra `report`")
    with (folder / "data" / "figures.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["typical_s"]]
    assert len(lines) == 3
    return [
        [
            line["implementation"],
            in_unit(float(line["typical_s"]), "s"),
            in_unit(float(line["speedup"]), "×"),
            *(in_unit(float(line[name]), "s") for name in ("cold_s", "warm_s")),
            in_unit(float(line["times_floor"]), "×"),
            in_unit(float(line["samples_per_s"]), "1/s"),
            in_unit(int(line["memory_bytes"]), "bytes"),
            in_unit(float(line["deviation"])),
        ]
        for line in lines
    ]


def test_first_page_tables_terminal_and_csv_show_the_same_numbers(tmp_path: Path) -> None:
    write_report([RUN], tmp_path, leave_out=["plots"])
    terminal = io.StringIO()
    print_run(RUN, Console(file=terminal, width=250))

    readme, tables = (
        (tmp_path / name).read_text(encoding="utf-8").replace(NO_BREAK, " ")
        for name in ("README.md", "tables.md")
    )
    for cells in csv_cells(tmp_path):
        for text in (tables, terminal.getvalue()):
            assert any(set(cells) <= set(line_cells(each)) for each in text.splitlines())
        lines = [line_cells(each.replace(", ", " | ")) for each in readme.splitlines()]
        assert any(set(cells[:3]) <= set(line) for line in lines)


def test_the_page_shows_the_numbers_of_the_csv(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    write_report([RUN], tmp_path, leave_out=["plots"])

    content = payload_of((tmp_path / PAGE).read_text(encoding="utf-8"))

    shown = [
        {row["implementation"], *row["text"].values()} for group in content["groups"] for row in group["rows"]
    ]
    for cells in csv_cells(tmp_path):
        assert any(set(cells) <= each for each in shown)


def test_each_file_of_a_report_is_replaced_as_a_whole_and_no_link_is_followed(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    report, victim = tmp_path / "report", tmp_path / "precious"
    write_report([RUN], report, leave_out=())
    files = [path for path in report.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".csv", ".html", ".md", ".parquet", ".png", ".svg"}
    for path in files:
        path.unlink()
        path.symlink_to(victim)
    victim.write_text("precious")

    write_report([RUN], report, leave_out=())

    assert victim.read_text() == "precious"
    assert [path for path in files if path.is_symlink()] == []


def test_a_page_that_can_not_be_written_is_no_lack_of_a_package(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    (tmp_path / "index.html").mkdir()

    with pytest.raises(UsageError, match=r"index\.html: can't be written"):
        write_report([], tmp_path)


def test_a_report_of_nothing_has_no_plots_of_an_earlier_one(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    write_report([RUN], tmp_path)
    assert list((tmp_path / "plots").rglob("spread-*"))

    write_report([], tmp_path, leave_out=["plots"])
    assert list((tmp_path / "plots").rglob("spread-*"))
    write_report([], tmp_path)
    assert not list((tmp_path / "plots").iterdir())


def test_plots_are_shown_where_their_question_is_answered(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    write_report([RUN], tmp_path)

    shown = re.findall(r'src="([^"]+)"', (tmp_path / "README.md").read_text(encoding="utf-8"))
    assert any("spread-book" in path for path in shown)
    assert [path for path in shown if not (tmp_path / path).is_file()] == []
