"""Runs → a folder to read: the results in short, all tables, plots, a page for the browser, data files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from benchmarks.compare.result import Comparison
from benchmarks.files import explain_refusal, write_atomically
from benchmarks.paths import PUBLISHED
from benchmarks.records.machine import Machine
from benchmarks.records.run import Run
from benchmarks.report.export.files import DICTIONARY, write_tables
from benchmarks.report.html.page import write_page
from benchmarks.report.readme.images import Image, more_of
from benchmarks.report.readme.page import Extras, overview
from benchmarks.report.tables import cost, head_to_head, scaling
from benchmarks.report.tables import run as table
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.report.tables.run import to_markdown

if TYPE_CHECKING:
    from benchmarks.report.plots.gallery import Gallery

README, TABLES, PAGE, PLOTS, DATA = "README.md", "tables.md", "index.html", "plots", "data"

Part: TypeAlias = Literal["plots", "png", "data"]
WITHOUT_PNG: tuple[Part, ...] = ("png",)

STUDIES = {
    "is the floor a floor": "roofline.md",
    "what each part of a step takes": "ablation.md",
    "is the decision map right": "decision_map.md",
}
"""Pages that other commands write into the folder, by the question that each answers."""

NEEDS = {PLOTS: ("altair", "vl_convert"), PAGE: ("altair", "vl_convert"), DATA: ("pyarrow",)}
"""The packages of the extra `report` that a part needs."""

HOW_TO_GET = "not installed): pip install 'perceptron-bench[report]', then `perceptron-bench report`"

TABLES_HEAD = f"""\
# All tables

Written by `perceptron-bench report`, run by run, newest first; don't edit. [The results in short]({README}).

{table.READING}

{cost.READING}

{head_to_head.READING}

{scaling.READING}
"""


def write_report(
    runs: Sequence[Run],
    folder: Path,
    *,
    beside: Sequence[Run] = (),
    comparison: Comparison | None = None,
    leave_out: Collection[Part] = WITHOUT_PNG,
) -> list[str]:
    """Write the report; return lines that say where it is, and what needs a package that is not installed.

    The page also offers the runs `beside`.

    Raises:
        UsageError: the folder can't be written.
    """
    newest_first = _newest_first(runs)
    beside = _newest_first([run for run in beside if run not in runs])
    absent = {part: [each for each in names if find_spec(each) is None] for part, names in NEEDS.items()}
    parts = {part for part in NEEDS if not absent[part]} - {*leave_out}
    with explain_refusal(folder, remedy="name another folder with -o"):
        folder.mkdir(parents=True, exist_ok=True)
        gallery = _draw(newest_first) if PAGE in parts else {}
        with_png = "png" not in leave_out
        images = _images(gallery, folder, with_png=with_png) if PLOTS in parts else {}
        tables = [TABLES_HEAD, *_more_plots(images), to_markdown(newest_first)]
        write_atomically(folder / TABLES, "\n".join(tables))
        if DATA in parts:
            write_tables(newest_first, folder / DATA)
        if PAGE in parts:
            drawn = _beside(gallery, newest_first, beside)
            write_page(newest_first, drawn, folder / PAGE, beside, comparison)
        links = _links(folder, parts)
        text = overview(newest_first, Extras(images=images, links=links, comparison=comparison))
        write_atomically(folder / README, text)
    return [
        f"report: {folder / README}",
        *([f"page:   {folder / PAGE}"] if PAGE in parts else []),
        *(
            f"left out: no {part} ({', '.join(names)} {HOW_TO_GET}"
            for part, names in absent.items()
            if names and part not in leave_out
        ),
    ]


def _newest_first(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.provenance.date, reverse=True)


def _draw(runs: Sequence[Run]) -> Gallery:
    from benchmarks.report.plots.gallery import plots_of  # noqa: PLC0415 - needs an extra

    return plots_of(runs)


def _beside(gallery: Gallery, runs: Sequence[Run], beside: Sequence[Run]) -> Gallery:
    """Add the plots of the runs beside; a machine that both measured has those of all its runs."""
    machines = {Machine.of(run) for run in runs}
    here = [run for run in beside if Machine.of(run) in machines]
    elsewhere = [run for run in beside if Machine.of(run) not in machines]
    return _draw(elsewhere) | (_draw([*runs, *here]) if here else gallery)


def _images(gallery: Gallery, folder: Path, *, with_png: bool) -> dict[Machine, list[Image]]:
    from benchmarks.report.plots.files import write_plots  # noqa: PLC0415 - needs an extra

    written = write_plots(gallery, folder / PLOTS, with_png=with_png)
    return {
        machine: [
            Image(
                kind=each.plot.kind,
                description=each.plot.description,
                path=each.svg.relative_to(folder).as_posix(),
            )
            for each in files
        ]
        for machine, files in written.items()
    }


def _more_plots(images: Mapping[Machine, Sequence[Image]]) -> Iterator[str]:
    for machine, own in images.items():
        if lines := [*more_of(own)]:
            yield from (f"## More plots: {plain_in_markdown(str(machine))}\n", *lines)


def _links(folder: Path, parts: Collection[str]) -> dict[str, str]:
    links = {
        "a page to explore (save it and open it in a browser)": PAGE if PAGE in parts else "",
        "all tables": TABLES,
        "the data, as CSV and Parquet": f"{DATA}/{DICTIONARY}" if DATA in parts else "",
        "the records": "runs" if (folder / "runs").is_dir() else "",
        **{question: name for question, name in STUDIES.items() if (folder / name).is_file()},
        "the published results": f"../{README}" if folder.parent == PUBLISHED else "",
    }
    return {text: path for text, path in links.items() if path}
