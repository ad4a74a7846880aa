"""Specification → SVG and PNG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from benchmarks.report.plots.style import FAINT, INK, PAPER

if TYPE_CHECKING:
    from pathlib import Path

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

CLIP_PATH = re.compile(r'(\bid="clip|url\(#clip)(\d+)')
"""Where a clip path is defined or used, and its number."""


def draw(specification: dict[str, Any], light: Path, dark: Path, png: Path) -> None:
    """Write one picture in the light theme, and from it the dark one and the one for sharing."""
    svg = _renumbered(vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE))
    light.write_text(svg, encoding="utf-8")
    dark.write_text(_darkened(svg), encoding="utf-8")
    png.write_bytes(vl_convert.svg_to_png(svg, scale=2))


def _renumbered(svg: str) -> str:
    """Count clip paths from 1: Vega counts on from picture to picture, and each report would be another."""
    numbers: dict[str, int] = {}
    return CLIP_PATH.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)}", svg)


def _darkened(svg: str) -> str:
    """Turn the light theme into the dark one, which differs in these colours only: drawing takes longer."""
    for colours in (PAPER, INK, FAINT):
        svg = svg.replace(f'"{colours["light"]}"', f'"{colours["dark"]}"')
    return svg
