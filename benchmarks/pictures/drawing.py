"""Specification → SVG and PNG, which takes long: many are drawn in a process beside this one."""

from __future__ import annotations

import re
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from benchmarks.pictures.look import FAINT, INK, PAPER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # "v6.1"

FEW = 8
"""Pictures that are drawn sooner than another process has begun."""

CLIP_PATH = re.compile(r'(\bid="clip|url\(#clip)(\d+)')
"""Where a clip path is defined or used, and its number."""


class Here(Executor):
    """Does at once what it is asked to do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as its base
        """Do it."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@contextmanager
def drawing(n_pictures: int) -> Iterator[Executor]:
    """Give what draws so many pictures; when the context ends, all are there."""
    # Spawned, for a process with threads can't be forked safely.
    few = n_pictures <= FEW
    with Here() if few else ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as executor:
        yield executor


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
