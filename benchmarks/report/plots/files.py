"""Plots → files: SVG for documents, PNG for sharing."""

import re
import shutil
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import get_args

from benchmarks.files import explain_refusal
from benchmarks.paths import PUBLISHED_PLOTS
from benchmarks.records.machine import Machine
from benchmarks.report.plots.gallery import Gallery
from benchmarks.report.plots.plot import Kind, Plot
from benchmarks.report.plots.render import STYLE, draw
from benchmarks.report.plots.style import config

OURS = re.compile(rf"({'|'.join(get_args(Kind))})-.+\.svg")
MACHINE = re.compile(r".+-\d+-CPUs(-.+)?|.{91}-[0-9a-f]{8}")
"""Names of the files and folders of a report."""

MAX_EACH = 4
"""Files of one kind for one machine: the page has more plots."""

MAX_STEM = 100
"""Characters of a file's name, without its suffix."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """A plot and its files."""

    plot: Plot
    svg: Path  # follows the reader's theme
    png: Path | None  # light


def write_plots(gallery: Gallery, folder: Path, *, with_png: bool = True) -> dict[Machine, list[Files]]:
    """Write each machine's first plots of each kind into a folder named for it, the same in every report.

    Then removes the other plots of an earlier report.

    Raises:
        UsageError: the folder can't be written.
    """
    written = {
        machine: [_files(plot, place, with_png=with_png) for plot in _first_of_each_kind(gallery[machine])]
        for place, machine in _places(gallery, folder).items()
    }
    with explain_refusal(folder, remedy="name another folder"):
        drawn = list(chain.from_iterable(written.values()))
        for each in drawn:
            each.svg.parent.mkdir(parents=True, exist_ok=True)
            published = PUBLISHED_PLOTS / each.svg.relative_to(folder)
            if not (each.svg.exists() or each.svg.is_symlink()) and published.is_file():
                shutil.copyfile(published, each.svg)  # it stays if it would be drawn just like that
            draw(each.plot.spec | {"config": config("light")}, each.svg, each.png)
        for each in drawn:
            if each.png is None:
                each.svg.with_suffix(".png").unlink(missing_ok=True)
        _remove_earlier(folder, keep={each.svg for each in drawn})
    return written


def _places(machines: Iterable[Machine], folder: Path) -> dict[Path, Machine]:
    """Return each machine by its folder; a digest distinguishes names that are spelled almost alike."""
    places: dict[Path, Machine] = {}
    for machine in machines:
        name = _stem(str(machine))
        if folder / name in places:
            name = f"{name[: MAX_STEM - 9]}-{zlib.crc32(str(machine).encode()):08x}"
        places[folder / name] = machine
    return places


def _first_of_each_kind(plots: Iterable[Plot]) -> Iterator[Plot]:
    found: Counter[Kind] = Counter()
    for plot in plots:
        found[plot.kind] += 1
        if found[plot.kind] <= MAX_EACH:
            yield plot


def _remove_earlier(folder: Path, keep: Collection[Path]) -> None:
    """Remove an earlier report's plots, known by names and style, and machines' folders left empty."""
    machines = [each for each in folder.glob("*/") if MACHINE.fullmatch(each.name)]
    for place in [folder, *(each for each in machines if not each.is_symlink())]:
        found = [svg for svg in place.glob("*.svg") if OURS.fullmatch(svg.name) and svg not in keep]
        old = [svg for svg in found if _is_ours(svg)]
        for svg in old:
            svg.unlink()
            svg.with_suffix(".png").unlink(missing_ok=True)
        if old and place != folder and not any(place.iterdir()):
            place.rmdir()


def _is_ours(svg: Path) -> bool:
    with svg.open(encoding="utf-8", errors="replace") as file:
        return STYLE in file.read(1000)


def _files(plot: Plot, folder: Path, *, with_png: bool) -> Files:
    svg = folder / f"{_stem(plot.name)}.svg"
    return Files(plot=plot, svg=svg, png=svg.with_suffix(".png") if with_png else None)


def _stem(name: str) -> str:
    """Return a file's name; a digest distinguishes names that differ only where they are cut off."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-")
    return stem if len(stem) <= MAX_STEM else f"{stem[: MAX_STEM - 9]}-{zlib.crc32(name.encode()):08x}"
