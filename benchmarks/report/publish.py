"""Runs → a folder that can be read: first page, all tables, pictures, page for the browser, data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.files import told_if_unwritable
from benchmarks.report.export.files import DICTIONARY, write_tables
from benchmarks.report.html.page import write_page
from benchmarks.report.readme.images import Image
from benchmarks.report.readme.page import Extras, overview
from benchmarks.report.tables import cost
from benchmarks.report.tables import run as table
from benchmarks.report.tables.run import to_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.compare.result import Comparison
    from benchmarks.records.machine import Machine
    from benchmarks.records.run import Run
    from benchmarks.report.plots.files import Files
    from benchmarks.report.plots.gallery import Gallery

README, TABLES, PAGE, PICTURES, DATA = "README.md", "tables.md", "index.html", "pictures", "data"

STUDIES = {
    "is the floor a floor": "roofline.md",
    "what each part of a step takes": "ablation.md",
    "is the decision map right": "decision_map.md",
}
"""What other commands write there, each the answer to a question."""

REMEDY = "name another folder with -o"

HOW_TO_GET = "pip install 'perceptron-bench[report]', then `perceptron-bench report`"

TABLES_HEAD = f"""\
# All tables

Written by `perceptron-bench report`, run by run, newest first; don't edit. [The results in short]({README}).

{table.READING}

{cost.READING}

"""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was written, and what could not be."""

    readme: Path
    page: Path | None
    lacking: tuple[str, ...]  # in words, with what to do


def publish(
    runs: Sequence[Run], folder: Path, *, comparison: Comparison | None = None, with_pictures: bool = True
) -> Published:
    """Write the report into the folder; what needs a package that is not installed is left out and named.

    Raises:
        UsageError: the folder can't be written.

    """
    lacking: list[str] = []
    newest_first = sorted(runs, key=lambda run: run.provenance.date, reverse=True)
    with told_if_unwritable(folder, remedy=REMEDY):
        folder.mkdir(parents=True, exist_ok=True)
        gallery = _draw(newest_first)
        images = _pictures(gallery, folder, lacking) if with_pictures else {}
        (folder / TABLES).write_text(TABLES_HEAD + to_markdown(newest_first), encoding="utf-8")
        has_data = _written(f"{DATA}/", partial(write_tables, newest_first, folder / DATA), lacking)
        page = partial(write_page, newest_first, gallery, folder / PAGE, comparison)
        has_page = _written(PAGE, page, lacking)
        links = _links(folder, has_page=has_page, has_data=has_data)
        text = overview(newest_first, Extras(images=images, links=links, comparison=comparison))
        (folder / README).write_text(text, encoding="utf-8")
    return Published(
        readme=folder / README,
        page=folder / PAGE if has_page else None,
        lacking=tuple(dict.fromkeys(lacking)),
    )


def _written(what: str, write: Callable[[], None], lacking: list[str]) -> bool:
    """Write it, unless a package that it needs is not installed."""
    try:
        write()
    except ImportError as error:
        lacking.append(f"no {what} ({error}): {HOW_TO_GET}")
        return False
    return True


def _draw(runs: Sequence[Run]) -> Gallery:
    try:
        from benchmarks.report.plots.gallery import pictures_of  # noqa: PLC0415 - needs an extra
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "altair":
            raise
        return {}  # who writes the pictures, or the page, lacks it too, and says so
    return pictures_of(runs)


def _pictures(gallery: Gallery, folder: Path, lacking: list[str]) -> dict[Machine, list[Image]]:
    """Write the pictures, unless a package that they need is not installed."""
    try:
        from benchmarks.report.plots.files import write_pictures  # noqa: PLC0415 - needs an extra
    except ImportError as error:
        lacking.append(f"no pictures ({error}): {HOW_TO_GET}")
        return {}
    written = write_pictures(gallery, folder / PICTURES)
    return {site: [_image(each, folder) for each in files] for site, files in written.items()}


def _image(files: Files, folder: Path) -> Image:
    paths = {name: getattr(files, name).relative_to(folder).as_posix() for name in ("light", "dark", "png")}
    return Image(kind=files.picture.kind, description=files.picture.description, **paths)


def _links(folder: Path, *, has_page: bool, has_data: bool) -> dict[str, str]:
    links = {
        "the page to explore (save it and open it in a browser)": PAGE if has_page else "",
        "all tables": TABLES,
        "the data, as CSV and Parquet": f"{DATA}/{DICTIONARY}" if has_data else "",
        "the records": "runs" if (folder / "runs").is_dir() else "",
        **{told: name for told, name in STUDIES.items() if (folder / name).is_file()},
    }
    return {told: path for told, path in links.items() if path}
