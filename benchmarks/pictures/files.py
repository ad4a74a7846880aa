"""Pictures → files: SVG for documents, light and dark, and PNG for sharing."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import altair as alt
import vl_convert

from benchmarks.errors import told_if_unwritable
from benchmarks.pictures.gallery import pictures_of
from benchmarks.pictures.look import FAINT, INK, PAPER, themed
from benchmarks.pictures.picture import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from benchmarks.machine import Site
    from benchmarks.pictures.picture import Picture
    from benchmarks.record import Run

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

CLIP_PATH = re.compile(r'(\bid="clip|url\(#clip)(\d+)')
"""Where a clip path is defined or used, and its number."""

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


def write_pictures(runs: Sequence[Run], folder: Path) -> dict[Site, list[Files]]:
    """Write every picture that the runs allow; those of a second machine go into a folder of their own.

    Pictures of an earlier report that this one does not have are removed: nothing would say what they show.

    Raises:
        UsageError: the folder can't be written.

    """
    written = {}
    for i, (site, pictures) in enumerate(pictures_of(runs).items()):
        place = folder if i == 0 else folder / f"machine-{i + 1}"
        with told_if_unwritable(place, remedy="name another folder"):
            place.mkdir(parents=True, exist_ok=True)
            written[site] = [write(picture, place) for picture in pictures]
            _remove_others(place, {path for files in written[site] for path in files.paths})
    return written


def _remove_others(folder: Path, paths: Collection[Path]) -> None:
    ours = re.compile(rf"({'|'.join(get_args(Kind))})-.+\.(svg|png)")
    for path in folder.iterdir():
        if path not in paths and ours.fullmatch(path.name):
            path.unlink()


def write(picture: Picture, folder: Path) -> Files:
    """Write one picture's three files into the folder."""
    stem = _stem(picture.name)
    files = Files(
        picture=picture,
        light=folder / f"{stem}.svg",
        dark=folder / f"{stem}-dark.svg",
        png=folder / f"{stem}.png",
    )
    light = _renumbered(vl_convert.vegalite_to_svg(themed(picture.chart, "light"), vl_version=VEGA_LITE))
    files.light.write_text(light, encoding="utf-8")
    files.dark.write_text(_darkened(light), encoding="utf-8")
    files.png.write_bytes(vl_convert.svg_to_png(light, scale=2))
    return files


def _stem(name: str) -> str:
    """Give a file's name; of what is cut off, a digest keeps names apart that differ there only."""
    stem = re.sub(r"[^\w.-]", "-", name)
    return stem if len(stem) <= MAX_STEM else f"{stem[: MAX_STEM - 9]}-{zlib.crc32(name.encode()):08x}"


def _renumbered(svg: str) -> str:
    """Count clip paths from 1: Vega counts on from picture to picture, and each report would be another."""
    numbers: dict[str, int] = {}
    return CLIP_PATH.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)}", svg)


def _darkened(svg: str) -> str:
    """Turn the light theme into the dark one, which differs in these colours only: drawing takes longer."""
    for colours in (PAPER, INK, FAINT):
        svg = svg.replace(f'"{colours["light"]}"', f'"{colours["dark"]}"')
    return svg
