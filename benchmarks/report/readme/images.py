"""Pictures in the results' first page, shown in the reader's theme."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.report.tables.markdown import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_ALT = 2000
"""Characters of the text that stands for a picture."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture that was written: what it says, and the paths from the page to its files."""

    kind: str
    description: str
    light: str  # SVG
    dark: str  # SVG
    png: str


def show(images: Sequence[Image], *kinds: str) -> Iterator[str]:
    """Show the first picture of each of these kinds; the others can be unfolded."""
    for kind in kinds:
        shown = [_tag(image) for image in images if image.kind == kind]
        yield from shown[:1]
        if len(shown) > 1:
            yield f"<details><summary>{len(shown) - 1} more such</summary>\n"
            yield from shown[1:]
            yield "</details>\n"


def _tag(image: Image) -> str:
    alt = html.escape(shortened(" ".join(image.description.split()), MAX_ALT))
    return (
        f'<a href="{image.png}"><picture>\n'
        f'<source media="(prefers-color-scheme: dark)" srcset="{image.dark}">\n'
        f'<img src="{image.light}" alt="{alt}">\n'
        "</picture></a>\n"
    )
