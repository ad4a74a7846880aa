"""The report: what it writes, where, and what it says if something is missing."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.analysis.cells import in_unit
from benchmarks.cases.problems import NAMED
from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.records import run
from benchmarks.report.publish import PAGE, write_report
from benchmarks.report.readme.cells import NO_BREAK
from benchmarks.report.tables.run import print_run
from tests.helpers.pages import payload_of
from tests.helpers.records import ABSENT, INVALID
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row


def rows(scale: float = 1.0, problem: str = "book") -> list[Row]:
    times_s = {"torch_eager": 1.2345e-3, "jax_jit": 2.3456e-4, "native_floor": 1.357e-5}
    return [
        timed(name, [scale * time_s * (1 + i / 90) for i in range(6)], problem=NAMED[problem])
        for name, time_s in times_s.items()
    ]


RUN = run_of_day(0, *rows(), INVALID, ABSENT)
LATER = run_of_day(1, *rows(scale=2))
PUBLISHED = run_of_day(2, *rows(), machine="published")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of published results with one record, and in its folder `local` two of the user's."""
    local = tmp_path / "local"
    for folder, runs in ((tmp_path, [PUBLISHED]), (local, [RUN, LATER])):
        (folder / "runs").mkdir(parents=True)
        for i, each in enumerate(runs, 1):
            write(each, folder / "runs" / f"{i}.json")
    for name, folder in {"LOCAL": local, "PUBLISHED": tmp_path}.items():
        monkeypatch.setattr(f"benchmarks.cli.report.{name}", folder)
        monkeypatch.setattr(f"benchmarks.cli.report.{name}_RUNS", folder / "runs")
    monkeypatch.setattr("benchmarks.report.publish.PUBLISHED", tmp_path)
    return tmp_path


def text_in(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Pretend that packages are not installed."""
    for name in [
        name
        for name in sys.modules
        if name.startswith(("benchmarks.report.plots.", "benchmarks.report.html."))
    ]:
        monkeypatch.delitem(sys.modules, name)
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


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


def test_the_report_is_about_the_users_runs_and_what_it_links_to_is_there(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--no-plots"]) == 0

    local = results / "local"
    assert f"report: {local / 'README.md'}" in capsys.readouterr().out
    assert {path.name for path in results.iterdir()} == {"local", "runs"}
    text = text_in(local)
    assert "### Who is faster on the CPU?" in text
    assert "published:" not in text
    tables = (local / "tables.md").read_text(encoding="utf-8")
    assert tables.index("Run of 2026-11-02") < tables.index("Run of 2026-11-01")
    assert "how many times faster" in tables
    write_report([], results)  # to which the user's page links
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (local / target).exists()


def test_the_page_of_the_users_runs_shows_their_machine_first_and_offers_the_published_ones(
    results: Path,
) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")

    assert main(["report", "--no-plots"]) == 0

    content = payload_of((results / "local" / PAGE).read_text(encoding="utf-8"))
    machines = dict.fromkeys(
        (group["machine"].partition(":")[0], group["beside"]) for group in content["groups"]
    )
    assert list(machines) == [("vm", False), ("published", True)]
    assert {each["machine"].partition(":")[0] for each in content["charts"]["plots"]} == {"vm", "published"}


def test_the_page_of_the_users_runs_has_all_plots_of_a_machine_that_also_has_published_runs(
    results: Path,
) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    write(run_of_day(3, *rows(problem="small")), results / "runs" / "2.json")
    shutil.copy(results / "local" / "runs" / "1.json", results / "runs" / "3.json")

    assert main(["report", "--no-plots"]) == 0

    content = payload_of((results / "local" / PAGE).read_text(encoding="utf-8"))
    drawn = [each for each in content["charts"]["plots"] if each["machine"].startswith("vm")]
    assert [each["about"].partition("-")[0] for each in drawn if each["kind"] == "spread"] == [
        "book",
        "small",
    ]
    assert len(content["runs"]) == 4  # a record that is here and there counts once
    assert "small" not in text_in(results / "local")


def test_publishing_outside_a_checkout_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.cli.report.CODE", tmp_path)

    assert main(["report", "--publish"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "--publish: expected a checkout of perceptron-bench, found none at" in line


def test_only_publishing_changes_the_published_files_which_have_no_png_and_no_data(results: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")

    assert main(["report", "--publish"]) == 0

    assert {path.name for path in (results / "local").iterdir()} == {"runs"}
    files = {path.suffix for path in results.rglob("*") if "runs" not in path.parts and path.is_file()}
    assert files == {".md", ".html", ".svg"}
    assert "published:" in text_in(results)


@pytest.mark.parametrize("more", [["1.json"], ["--against", "1.json"], ["--no-plots"]])
def test_publishing_takes_all_published_records_and_nothing_else(
    more: list[str], results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--publish", *more]) == 4

    assert "copy the record there" in capsys.readouterr().err
    assert {path.name for path in results.iterdir()} == {"local", "runs"}


def test_without_publishing_the_published_folder_is_refused(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "-o", str(results / "local" / "..")]) == 4

    assert "only --publish writes the published report" in capsys.readouterr().err
    assert {path.name for path in results.iterdir()} == {"local", "runs"}


def test_each_file_of_a_report_is_replaced_as_a_whole_and_no_link_is_followed(tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    report, victim = tmp_path / "report", tmp_path / "precious"
    write_report([RUN], report)
    files = [path for path in report.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".csv", ".html", ".md", ".parquet", ".png", ".svg"}
    for path in files:
        path.unlink()
        path.symlink_to(victim)
    victim.write_text("precious")

    write_report([RUN], report)

    assert victim.read_text() == "precious"
    assert [path for path in files if path.is_symlink()] == []


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


def test_what_is_no_record_is_left_out_of_a_folder_but_refused_by_name(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = results / "local" / "runs" / "3.json"
    odd.write_text("cut of")

    assert main(["report", "--no-plots"]) == 0
    assert "left out: " in capsys.readouterr().err
    assert main(["report", str(odd)]) == 4
    assert "3.json: expected a record in JSON" in capsys.readouterr().err


def test_an_empty_folder_gives_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()

    assert main(["report", str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 0

    assert "Nothing has been measured yet" in text_in(tmp_path / "out")


def test_before_the_first_run_the_report_shows_the_published_runs_alone(results: Path) -> None:
    shutil.rmtree(results / "local")

    assert main(["report", "--no-plots"]) == 0

    assert "Nothing has been measured yet" in text_in(results / "local")


def test_a_record_that_is_named_twice_counts_once(results: Path) -> None:
    files = [results / "local" / "runs" / "1.json", results / "local" / "runs"]

    assert run.recorded_runs(files) == [RUN, LATER]


def test_without_the_extra_the_page_and_its_tables_are_there_and_it_is_said_how_to_get_the_rest(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "altair", "vl_convert", "pyarrow")

    assert main(["report"]) == 0

    out = capsys.readouterr().out
    for part in ("no data", "no plots", "no index.html"):
        assert re.search(rf"left out: {part} \(.*\): pip install 'perceptron-bench\[report\]'", out)
    text = text_in(results / "local")
    assert "<img" not in text
    assert "(data/" not in text


def test_two_runs_are_shown_side_by_side(results: Path) -> None:
    assert main(["report", "--no-plots", "--against", str(results / "local" / "runs" / "1.json")]) == 0

    text = text_in(results / "local")
    assert "## Two runs side by side: " in text
    assert re.search(r"\| jax_jit-cpu-book-\S+ .* slower +\|", text)


def test_a_single_run_can_not_be_compared_with_itself(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(results / "local" / "runs" / "1.json")

    assert main(["report", file, "--against", file]) == 4

    assert "expected another record to compare with" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_refused_in_words(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / "file").write_text("in the way")

    assert main(["report", "-o", str(results / "file")]) == 4

    assert "name another folder with -o" in capsys.readouterr().err


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


def test_plots_are_shown_where_their_question_is_answered(results: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")
    write_report([RUN], results)

    shown = re.findall(r'src="([^"]+)"', text_in(results))
    assert any("spread-book" in path for path in shown)
    assert [path for path in shown if not (results / path).is_file()] == []
