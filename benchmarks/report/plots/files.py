"""Pictures → files: SVG for documents, PNG for sharing."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from benchmarks.files import told_if_unwritable
from benchmarks.report.plots.plot import Kind
from benchmarks.report.plots.render import STYLE, draw
from benchmarks.report.plots.style import themed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.records.machine import Machine
    from benchmarks.report.plots.gallery import Gallery
    from benchmarks.report.plots.plot import Picture

PICTURE = re.compile(rf"({'|'.join(get_args(Kind))})-.+\.svg")
MACHINE = re.compile(r".+-\d+-CPUs(-.+)?|.{91}-[0-9a-f]{8}|machine-\d+")
"""Names of what a report writes, and has written: a machine's folder was once called by its number."""

MAX_EACH = 4
"""Files of one kind for one machine: the page has more pictures."""

MAX_STEM = 100
"""Characters of a file's name, its ending aside."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """A picture and where it was written."""

    picture: Picture
    svg: Path  # follows the reader's theme
    png: Path | None  # light


def write_pictures(gallery: Gallery, folder: Path, *, with_png: bool = True) -> dict[Machine, list[Files]]:
    """Write each machine's first pictures of each kind into a folder named for it, the same in every report.

    Pictures of an earlier report that this one does not have are removed: nothing would say what they show.

    Raises:
        UsageError: the folder can't be written.

    """
    written = _planned(gallery, folder, with_png=with_png)
    files = [each for own in written.values() for each in own]
    with told_if_unwritable(folder, remedy="name another folder"):
        _remove_earlier(folder)
        for place in {each.svg.parent for each in files}:
            place.mkdir(parents=True, exist_ok=True)
        for each in files:
            draw(themed(each.picture.chart, "light"), each.svg, each.png)
    return written


def _planned(gallery: Gallery, folder: Path, *, with_png: bool) -> dict[Machine, list[Files]]:
    """Say where each picture is to be written."""
    places: dict[Path, Machine] = {}
    for site in gallery:
        name = _stem(str(site))
        if folder / name in places:  # another machine's, spelled almost alike
            name = f"{name[: MAX_STEM - 9]}-{zlib.crc32(str(site).encode()):08x}"
        places[folder / name] = site
    return {
        site: [_files(picture, place, with_png=with_png) for picture in _first_of_each_kind(gallery[site])]
        for place, site in places.items()
    }


def _first_of_each_kind(pictures: Iterable[Picture]) -> Iterator[Picture]:
    found: Counter[Kind] = Counter()
    for picture in pictures:
        found[picture.kind] += 1
        if found[picture.kind] <= MAX_EACH:
            yield picture


def _remove_earlier(folder: Path) -> None:
    """Remove an earlier report's pictures, known by names and style, and machines' folders left empty."""
    machines = [each for each in folder.glob("*/") if MACHINE.fullmatch(each.name)]
    for place in [folder, *(each for each in machines if not each.is_symlink())]:
        old = [svg for svg in place.glob("*.svg") if PICTURE.fullmatch(svg.name) and _is_ours(svg)]
        for svg in old:
            svg.unlink()
            svg.with_suffix(".png").unlink(missing_ok=True)
        if old and place != folder and not any(place.iterdir()):
            place.rmdir()


def _is_ours(svg: Path) -> bool:
    with svg.open(encoding="utf-8", errors="replace") as file:
        return STYLE in file.read(1000)


def _files(picture: Picture, folder: Path, *, with_png: bool) -> Files:
    svg = folder / f"{_stem(picture.name)}.svg"
    return Files(picture=picture, svg=svg, png=svg.with_suffix(".png") if with_png else None)


def _stem(name: str) -> str:
    """Give a file's name; of what is cut off, a digest keeps names apart that differ there only."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-")
    return stem if len(stem) <= MAX_STEM else f"{stem[: MAX_STEM - 9]}-{zlib.crc32(name.encode()):08x}"
