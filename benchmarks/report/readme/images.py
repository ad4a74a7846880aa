"""Plots in Markdown pages."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.tables.markdown import shortened

MAX_ALT = 300
"""Characters of a plot's alternative text."""

SENTENCE = re.compile(r"[^.:]+(?:[.:]\S[^.:]*)*")
"""The beginning of a text up to a full stop or a colon."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A plot's file and its description."""

    kind: str
    description: str
    path: str  # from the page to the SVG file


def first_of(images: Sequence[Image], *kinds: str) -> Iterator[str]:
    """Show the first plot of each of these kinds."""
    for kind in kinds:
        yield from map(_show, [image for image in images if image.kind == kind][:1])


def more_of(images: Sequence[Image]) -> Iterator[str]:
    """Show the plots that `first_of` leaves out."""
    firsts = {image.kind: image for image in reversed(images)}
    yield from map(_show, [image for image in images if image is not firsts[image.kind]])


def _show(image: Image) -> str:
    """Show a plot, with the first sentence of its description as the alternative text."""
    sentence = SENTENCE.match(" ".join(image.description.split()))
    alt = shortened(sentence[0] if sentence else "", MAX_ALT)
    return f'<img src="{image.path}" alt="{html.escape(alt)}">\n'
