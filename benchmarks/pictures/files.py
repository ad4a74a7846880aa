"""Pictures → files: SVG for documents, light and dark, and PNG for sharing."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

from benchmarks.errors import told_if_unwritable
from benchmarks.pictures.gallery import pictures_of
from benchmarks.pictures.look import FAINT, INK, PAPER, themed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.machine import Site
    from benchmarks.pictures.picture import Picture
    from benchmarks.record import Run

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

MAX_STEM = 100
"""Characters of a file's name, its ending aside."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """A picture and where it was written."""

    picture: Picture
    light: Path  # SVG
    dark: Path  # SVG
    png: Path  # light


def write_pictures(runs: Sequence[Run], folder: Path) -> dict[Site, list[Files]]:
    """Write every picture that the runs allow; those of a second machine go into a folder of their own.

    Raises:
        UsageError: the folder can't be written.

    """
    written = {}
    for i, (site, pictures) in enumerate(pictures_of(runs).items()):
        place = folder if i == 0 else folder / f"machine-{i + 1}"
        with told_if_unwritable(place, remedy="name another folder"):
            place.mkdir(parents=True, exist_ok=True)
            written[site] = [write(picture, place) for picture in pictures]
    return written


def write(picture: Picture, folder: Path) -> Files:
    """Write one picture's three files into the folder."""
    stem = _stem(picture.name)
    files = Files(
        picture=picture,
        light=folder / f"{stem}.svg",
        dark=folder / f"{stem}-dark.svg",
        png=folder / f"{stem}.png",
    )
    light = vl_convert.vegalite_to_svg(themed(picture.chart, "light"), vl_version=VEGA_LITE)
    files.light.write_text(light, encoding="utf-8")
    files.dark.write_text(_darkened(light), encoding="utf-8")
    files.png.write_bytes(vl_convert.svg_to_png(light, scale=2))
    return files


def _stem(name: str) -> str:
    """Give a file's name; of what is cut off, a digest keeps names apart that differ there only."""
    stem = re.sub(r"[^\w.-]", "-", name)
    return stem if len(stem) <= MAX_STEM else f"{stem[: MAX_STEM - 9]}-{zlib.crc32(name.encode()):08x}"


def _darkened(svg: str) -> str:
    """Turn the light theme into the dark one, which differs in these colours only: drawing takes longer."""
    for colours in (PAPER, INK, FAINT):
        svg = svg.replace(f'"{colours["light"]}"', f'"{colours["dark"]}"')
    return svg
