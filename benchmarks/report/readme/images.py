"""Pictures in the results' first page."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.report.tables.markdown import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_ALT = 2000
"""Characters of a picture's alternative text."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture's file and its description."""

    kind: str
    description: str
    path: str  # from the page to the SVG file


def show(images: Sequence[Image], *kinds: str) -> Iterator[str]:
    """Show the first picture of each of these kinds; the others can be unfolded."""
    for kind in kinds:
        shown = [_tag(image) for image in images if image.kind == kind]
        yield from shown[:1]
        if len(shown) > 1:
            yield f"<details><summary>{len(shown) - 1} more</summary>\n"
            yield from shown[1:]
            yield "</details>\n"


def _tag(image: Image) -> str:
    alt = html.escape(shortened(" ".join(image.description.split()), MAX_ALT))
    return f'<img src="{image.path}" alt="{alt}">\n'
