"""Pictures → files: SVG for documents, light and dark, and PNG for sharing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

from benchmarks.errors import told_if_unwritable
from benchmarks.pictures.gallery import pictures_of
from benchmarks.pictures.look import THEMES, themed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.machine import Site
    from benchmarks.pictures.picture import Picture
    from benchmarks.record import Run

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"


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
    stem = re.sub(r"[^\w.-]", "-", picture.name)[:100]
    files = Files(
        picture=picture,
        light=folder / f"{stem}.svg",
        dark=folder / f"{stem}-dark.svg",
        png=folder / f"{stem}.png",
    )
    for theme, path in zip(THEMES, (files.light, files.dark), strict=True):
        svg = vl_convert.vegalite_to_svg(themed(picture.chart, theme), vl_version=VEGA_LITE)
        path.write_text(svg, encoding="utf-8")
    png = vl_convert.vegalite_to_png(themed(picture.chart, "light"), vl_version=VEGA_LITE, scale=2)
    files.png.write_bytes(png)
    return files
