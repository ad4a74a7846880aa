"""Files of plots: names, folders, and the removal of an earlier report's."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.errors import UsageError
from benchmarks.records.machine import Machine
from benchmarks.report.plots import files
from benchmarks.report.plots.files import MAX_STEM, write_plots
from benchmarks.report.plots.gallery import plots_of
from benchmarks.report.plots.render import STYLE
from tests.helpers.plots import HERE, one_of, swept, write
from tests.helpers.records import row, run_of
from tests.helpers.runs import elsewhere, run_of_day

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.run import Run
    from benchmarks.report.plots.plot import Plot


HOSTILE = "<script>alert(1)</script>&\"'`|[x](y)"


def test_a_plot_is_an_svg_file_and_a_png_file_for_sharing_unless_it_is_to_be_committed(
    plots: dict[str, Plot], tmp_path: Path
) -> None:
    written = write(plots["throughput"], tmp_path)

    assert ET.fromstring(written.svg.read_text()).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - written by the test itself
    assert written.svg.name == "throughput-D2-N4-E3-cpu.svg"
    assert written.png
    assert written.png.read_bytes().startswith(b"\x89PNG\r\n")
    write_plots({HERE: [plots["throughput"]]}, tmp_path, with_png=False)
    assert (written.svg.exists(), written.png.exists()) == (True, False)


def test_a_plot_that_is_published_just_so_is_copied_and_another_one_is_drawn(
    plots: dict[str, Plot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published"
    same = write(plots["throughput"], published)
    put(published / same.svg.parent.name, write(plots["losses"], tmp_path / "drawn").svg.name)
    monkeypatch.setattr(files, "PUBLISHED_PLOTS", published)
    drawn: list[str] = []

    def draw(*_: object, **__: object) -> str:
        drawn.append("one")
        return same.svg.read_text()

    monkeypatch.setattr("vl_convert.vegalite_to_svg", draw)

    copied, other = (
        write_plots({HERE: [plots[kind]]}, tmp_path / kind, with_png=False)[HERE][0].svg
        for kind in ("throughput", "losses")
    )

    assert copied.read_bytes() == same.svg.read_bytes()
    assert other.read_text() != "old"
    assert drawn == ["one"]


def test_a_published_plot_is_not_copied_through_a_link(
    plots: dict[str, Plot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, report, victim = (tmp_path / name for name in ("published", "report", "victim"))
    same = write(plots["throughput"], published).svg.relative_to(published)
    monkeypatch.setattr(files, "PUBLISHED_PLOTS", published)
    (report / same).parent.mkdir(parents=True)
    (report / same).symlink_to(victim)  # it leads nowhere

    write_plots({HERE: [plots["throughput"]]}, report, with_png=False)

    assert not victim.exists()
    assert not (report / same).is_symlink()


def put(folder: Path, *names: str) -> None:
    """Write files, as if from before."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("old", encoding="utf-8")


def put_plot(folder: Path, stem: str) -> None:
    """Write the files of a plot, as an earlier report did."""
    put(folder, f"{stem}.png")
    (folder / f"{stem}.svg").write_text(f"<svg>{STYLE}</svg>", encoding="utf-8")


def old_in(folder: Path) -> set[str]:
    """Return the names of the files that are left of these."""
    files = {path for path in folder.rglob("*") if path.is_file() and len(path.read_bytes()) < 2 * len(STYLE)}
    return {path.relative_to(folder).as_posix() for path in files}


def test_plots_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    run = run_of(*swept())
    put_plot(tmp_path, "throughput-of-old")
    put_plot(tmp_path, "mine")
    others = {"losses-mine.png", "spread-mine.svg", "spread-mine.png", "trend.txt"}
    put(tmp_path, *others)

    ((*_, files),) = write_plots(plots_of([run]), tmp_path).values()

    assert files.svg.exists()
    assert files.svg.parent.parent == tmp_path
    shutil.rmtree(files.svg.parent)
    assert old_in(tmp_path) == {"mine.svg", "mine.png", *others}


@pytest.mark.parametrize("runs", [[], [run_of_day(0, row())]], ids=["no runs", "one machine"])
def test_plots_of_machines_that_are_no_longer_there_go_and_so_do_their_folders_if_empty(
    runs: list[Run], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    put_plot(elsewhere, "losses-there")
    plots = tmp_path / "plots"
    put_plot(plots, "losses-of-old")
    for name in ("vm-A-CPU-1-CPUs", "vm-A-CPU-2-CPUs-H200", "machine-two", "mine"):
        put_plot(plots / name, "losses-of-old")
    put(plots / "vm-A-CPU-2-CPUs-H200", "mine.txt")
    put(plots / "vm-A-CPU-4-CPUs")
    (plots / "vm-A-CPU-5-CPUs").symlink_to(elsewhere)

    write_plots(plots_of(runs), plots)

    left = old_in(plots)
    assert {name for name in left if "losses" not in name} == {"vm-A-CPU-2-CPUs-H200/mine.txt"}
    assert {name.partition("/")[0] for name in left if "losses" in name} == {"machine-two", "mine"}
    assert not (plots / "vm-A-CPU-1-CPUs").exists()
    assert [(plots / f"vm-A-CPU-{end}").exists() for end in ("2-CPUs-H200", "4-CPUs")] == [True, True]
    assert len(old_in(elsewhere)) == 2


def test_no_runs_leave_a_folder_that_is_not_there_alone(tmp_path: Path) -> None:
    assert write_plots({}, tmp_path / "plots") == {}
    assert not (tmp_path / "plots").exists()


def test_what_a_record_says_is_text_in_a_plot(tmp_path: Path) -> None:
    rows = [replace(each, implementation=HOSTILE + each.implementation) for each in swept()]
    hostile = run_of(*rows)
    hostile = replace(hostile, provenance=elsewhere(hostile.provenance, cpu=HOSTILE, machine="../" + HOSTILE))

    files = write(replace(one_of(hostile, "cost-split"), about="../" + HOSTILE), tmp_path)

    assert files.svg.parent.parent == tmp_path
    tree = ET.fromstring(files.svg.read_text())  # noqa: S314 - written by the test itself
    assert not [element for element in tree.iter() if element.tag.endswith("script")]
    texts = [element.text or "" for element in tree.iter()]
    assert any(text.startswith("<script>alert(1)") for text in texts)  # long names end in an ellipsis
    assert any(f"../{HOSTILE}: {HOSTILE}" in text for text in texts)


def test_plots_whose_long_names_differ_in_their_ends_only_have_files_of_their_own(
    plots: dict[str, Plot], tmp_path: Path
) -> None:
    names = [f"{'-last_batch_size=300' * 5}-{device}" for device in ("cpu", "cuda")]

    files = [write(replace(plots["cost-split"], about=name), tmp_path) for name in names]

    assert files[0].svg != files[1].svg
    assert all(len(each.svg.stem) <= MAX_STEM for each in files)


def test_a_plot_that_can_not_be_written_is_refused_in_words(plots: dict[str, Plot], tmp_path: Path) -> None:
    files = write(plots["spread"], tmp_path)
    files.svg.unlink()
    files.svg.mkdir()

    with pytest.raises(UsageError, match=r"can't be written .*; name another folder"):
        write(plots["spread"], tmp_path)


def test_machines_that_are_spelled_almost_alike_have_folders_of_their_own(
    plots: dict[str, Plot], tmp_path: Path
) -> None:
    machines = [replace(HERE, cpu="A (CPU)"), replace(HERE, cpu="A CPU")]

    written = write_plots({machine: [plots["spread"]] for machine in machines}, tmp_path)

    assert len({files.svg.parent for (files,) in written.values()}) == 2
    assert all(files.svg.exists() for (files,) in written.values())
    write_plots({}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_each_machines_plots_go_into_a_folder_that_is_named_for_it(tmp_path: Path) -> None:
    one, other = run_of_day(0, row()), run_of_day(1, row(), machine="other")

    written = write_plots(plots_of([one, other]), tmp_path)

    assert list(written) == [Machine.of(other), Machine.of(one)]
    folders = [files[0].svg.parent.name for files in written.values()]
    assert folders == ["other-A-CPU-2-CPUs", "vm-A-CPU-2-CPUs"]


def test_a_full_disk_leaves_the_plots_of_an_earlier_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(one_of(run_of(*swept()), "throughput"), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("benchmarks.files.os.fsync", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write(one_of(run_of(*swept()), "cost-split"), tmp_path)

    assert before
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
