"""Pictures → files: SVG for documents, light and dark, and PNG for sharing."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from benchmarks.files import told_if_unwritable
from benchmarks.report.plots.plot import Kind
from benchmarks.report.plots.render import draw
from benchmarks.report.plots.style import themed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from benchmarks.records.machine import Machine
    from benchmarks.report.plots.gallery import Gallery
    from benchmarks.report.plots.plot import Picture

PICTURE = re.compile(rf"({'|'.join(get_args(Kind))})-.+\.png")
MACHINE = re.compile(r".+-cores?-used(-[0-9a-f]{8})?|.{91}-[0-9a-f]{8}|machine-\d+")
"""Names of what a report writes, and has written: a machine's folder was once called by its number."""

MAX_EACH = 4
"""Files of one kind for one machine: the page has more pictures."""

MAX_STEM = 100
"""Characters of a file's name, its ending aside."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """A picture and where it was written."""

    picture: Picture
    light: Path  # SVG
    dark: Path  # SVG
    png: Path  # light

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """Give all three."""
        return self.light, self.dark, self.png


def write_pictures(gallery: Gallery, folder: Path) -> dict[Machine, list[Files]]:
    """Write each machine's first pictures of each kind into a folder named for it, the same in every report.

    Pictures of an earlier report that this one does not have are removed: nothing would say what they show.

    Raises:
        UsageError: the folder can't be written.

    """
    written = _planned(gallery, folder)
    files = [each for own in written.values() for each in own]
    with told_if_unwritable(folder, remedy="name another folder"):
        for place in {each.light.parent for each in files}:
            place.mkdir(parents=True, exist_ok=True)
        for each in files:
            draw(themed(each.picture.chart, "light"), *each.paths)
        _remove_others(folder, {path for each in files for path in each.paths})
    return written


def _planned(gallery: Gallery, folder: Path) -> dict[Machine, list[Files]]:
    """Say where each picture is to be written."""
    places: dict[Path, Machine] = {}
    for site in gallery:
        name = _stem(str(site))
        if folder / name in places:  # another machine's, spelled almost alike
            name = f"{name[: MAX_STEM - 9]}-{zlib.crc32(str(site).encode()):08x}"
        places[folder / name] = site
    return {
        site: [_files(picture, place) for picture in _first_of_each_kind(gallery[site])]
        for place, site in places.items()
    }


def _first_of_each_kind(pictures: Iterable[Picture]) -> Iterator[Picture]:
    found: Counter[Kind] = Counter()
    for picture in pictures:
        found[picture.kind] += 1
        if found[picture.kind] <= MAX_EACH:
            yield picture


def _remove_others(folder: Path, written: Collection[Path]) -> None:
    """Remove an earlier report's pictures, which are known by their names and by being three files each.

    So are those of a machine that is no longer there, and its folder if nothing else is in it.
    """
    machines = [each for each in folder.glob("*/") if MACHINE.fullmatch(each.name)]
    for place in [folder, *(each for each in machines if not each.is_symlink())]:
        old = list(_others_in(place, written))
        for path in old:
            path.unlink()
        if old and place != folder and not any(place.iterdir()):
            place.rmdir()


def _others_in(place: Path, written: Collection[Path]) -> Iterator[Path]:
    for png in place.glob("*.png"):
        paths = _paths(place, png.stem)
        if PICTURE.fullmatch(png.name) and png not in written and all(path.is_file() for path in paths):
            yield from paths


def _paths(folder: Path, stem: str) -> tuple[Path, Path, Path]:
    """Name a picture's files: light, dark, and for sharing."""
    return folder / f"{stem}.svg", folder / f"{stem}-dark.svg", folder / f"{stem}.png"


def _files(picture: Picture, folder: Path) -> Files:
    light, dark, png = _paths(folder, _stem(picture.name))
    return Files(picture=picture, light=light, dark=dark, png=png)


def _stem(name: str) -> str:
    """Give a file's name; of what is cut off, a digest keeps names apart that differ there only."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-")
    return stem if len(stem) <= MAX_STEM else f"{stem[: MAX_STEM - 9]}-{zlib.crc32(name.encode()):08x}"
