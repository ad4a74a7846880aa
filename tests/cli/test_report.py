"""`perceptron-bench report`: what it writes, where, and what it says if something is missing."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.records import run
from benchmarks.report.publish import PAGE, write_report
from tests.helpers.pages import payload_of
from tests.helpers.runs import run_of_day, three_rows, write

if TYPE_CHECKING:
    from pathlib import Path

RUN = run_of_day(0, *three_rows())
LATER = run_of_day(1, *three_rows(scale=2))
PUBLISHED = run_of_day(2, *three_rows(), machine="published")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of published results with one record, and in its folder `local` two of the user's."""
    local = tmp_path / "local"
    for folder, runs in ((tmp_path, [PUBLISHED]), (local, [RUN, LATER])):
        (folder / "runs").mkdir(parents=True)
        for i, each in enumerate(runs, 1):
            write(each, folder / "runs" / f"{i}.json")
    monkeypatch.setattr("benchmarks.cli.options.report.LOCAL", local)
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
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    assert [target for target in targets if not (local / target).exists()] == []


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
    write(run_of_day(3, *three_rows(problem="small")), results / "runs" / "2.json")
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


@pytest.mark.parametrize("png", [[], ["--png"]])
def test_png_files_are_written_where_they_are_asked_for(
    png: list[str], results: Path, tmp_path: Path
) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")

    assert main(["report", str(results / "runs"), "-o", str(tmp_path / "report"), *png]) == 0

    suffixes = {path.suffix for path in (tmp_path / "report" / "plots").rglob("*.*")}
    assert suffixes == ({".svg", ".png"} if png else {".svg"})


def test_only_publishing_changes_the_published_files_which_have_no_png_and_no_data(results: Path) -> None:
    pytest.importorskip("altair", reason="part of the extra `report`")

    assert main(["report", "--publish"]) == 0

    assert {path.name for path in (results / "local").iterdir()} == {"runs"}
    files = {path.suffix for path in results.rglob("*") if "runs" not in path.parts and path.is_file()}
    assert files == {".md", ".html", ".svg"}
    assert "published:" in text_in(results)


@pytest.mark.parametrize("more", [["1.json"], ["--against", "1.json"], ["--no-plots"], ["--png"]])
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
