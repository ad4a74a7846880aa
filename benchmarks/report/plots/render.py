"""Specification → SVG and PNG."""

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from benchmarks.files import write_atomically
from benchmarks.report.plots.style import FAINT, INK, PAPER

DRAWN_BY = version("vl-convert-python"), Path(__file__).read_text(encoding="utf-8")
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

CLIP_PATH = re.compile(r'(\bid="clip|url\(#clip)(\d+)')
"""Where a clip path is defined or used, and its number."""

TAG = re.compile(r"<[^>]*>")
UNUSED = re.compile(r' (?:aria-[a-z]+|role|class)="[^"]*"')
"""Attributes without effect in an image; the page that shows it has the description."""
MARK = "<!-- drawn from "
LONG_NUMBER = re.compile(r"\d+\.\d{3,}")

DARK = "".join(
    f'[{attribute}="{colours["light"]}"]{{{attribute}:{colours["dark"]}}}'
    for colours in (PAPER, INK, FAINT)
    for attribute in ("fill", "stroke")
)
STYLE = f"<style>@media (prefers-color-scheme: dark){{{DARK}}}</style>"
"""In the dark theme only these colours differ. It also marks a file as written by us."""


def draw(specification: dict[str, Any], svg: Path, png: Path | None) -> None:
    """Write an SVG file that follows the reader's theme, and a light PNG file if there is a path for it.

    Files that an earlier report drew from the same specification are left as they are.
    """
    if (png is None or png.is_file()) and _is_drawn(svg, specification):
        return
    text = compact(vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE))
    if png:
        write_atomically(png, vl_convert.svg_to_png(text, scale=2))
    head, tag, rest = text.partition(">")
    text = head + tag + STYLE + rest
    write_atomically(svg, text + _mark(text, specification))  # last: it says that the other is drawn, too


def _is_drawn(svg: Path, specification: dict[str, Any]) -> bool:
    """Return whether the file is what is drawn from the specification, unchanged."""
    if not svg.is_file():
        return False
    text, begin, rest = svg.read_text(encoding="utf-8", errors="replace").rpartition(MARK)
    return begin + rest == _mark(text, specification)


def _mark(text: str, specification: dict[str, Any]) -> str:
    """Return a comment with a digest of the file, of what it was drawn from, and of what drew it."""
    content = json.dumps([text, specification, *DRAWN_BY])
    return f"{MARK}{hashlib.sha256(content.encode()).hexdigest()[:16]} -->"


def compact(svg: str) -> str:
    """Remove unused attributes and digits, and number clip paths from 1: Vega goes on counting."""
    numbers: dict[str, int] = {}
    svg = CLIP_PATH.sub(lambda found: f"{found[1]}{numbers.setdefault(found[2], len(numbers) + 1)}", svg)
    return TAG.sub(lambda tag: LONG_NUMBER.sub(_rounded, UNUSED.sub("", tag[0])), svg)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
