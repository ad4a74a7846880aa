"""Specification → SVG and PNG."""

import re
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from benchmarks.files import write_atomically
from benchmarks.report.plots.style import FAINT, INK, PAPER

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

CLIP_PATH = re.compile(r'(\bid="clip|url\(#clip)(\d+)')
"""Where a clip path is defined or used, and its number."""

TAG = re.compile(r"<[^>]*>")
UNUSED = re.compile(r' (?:aria-[a-z]+|role|class)="[^"]*"')
"""Attributes without effect in an image; the page that shows it has the description."""
LONG_NUMBER = re.compile(r"\d+\.\d{3,}")

DARK = "".join(
    f'[{attribute}="{colours["light"]}"]{{{attribute}:{colours["dark"]}}}'
    for colours in (PAPER, INK, FAINT)
    for attribute in ("fill", "stroke")
)
STYLE = f"<style>@media (prefers-color-scheme: dark){{{DARK}}}</style>"
"""In the dark theme only these colours differ. It also marks a file as written by us."""


def draw(specification: dict[str, Any], svg: Path, png: Path | None) -> None:
    """Write an SVG file that follows the reader's theme, and a light PNG file if there is a path for it."""
    text = compact(vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE))
    head, tag, rest = text.partition(">")
    write_atomically(svg, head + tag + STYLE + rest)
    if png:
        write_atomically(png, vl_convert.svg_to_png(text, scale=2))


def compact(svg: str) -> str:
    """Remove unused attributes and digits, and number clip paths from 1: Vega goes on counting."""
    numbers: dict[str, int] = {}
    svg = CLIP_PATH.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)}", svg)
    return TAG.sub(lambda tag: LONG_NUMBER.sub(_rounded, UNUSED.sub("", tag[0])), svg)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
