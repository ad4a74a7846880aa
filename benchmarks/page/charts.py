"""The pictures of benchmarks/pictures, for the page: one specification each that is right in light and dark."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from benchmarks.figures import headline_groups
from benchmarks.page.templates import templates
from benchmarks.pictures.gallery import MAX_SERIES, pictures_of, where
from benchmarks.pictures.look import config, look_of
from benchmarks.pictures.losses import losses
from benchmarks.pictures.spread import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.page.templates import Spec
    from benchmarks.pictures.picture import Picture
    from benchmarks.record import Run

MAX_GROUPS = 12
"""Groups whose losses and processes are drawn: a page of very many would become too large."""

OF_A_GROUP = ("losses", "spread")
"""Kinds of pictures that belong to one group; all others belong to a machine."""

DIGITS = 5
"""Significant digits in a picture."""


def charts_of(runs: Sequence[Run]) -> dict[str, Any]:
    """Give the pictures and what all pictures share; each picture's "about" names what it belongs to."""
    tiers = {row.implementation: row.tier for run in runs for row in run.rows}
    return {
        "config": _both(config("light"), config("dark")),
        "looks": {name: asdict(look_of(name, tier)) for name, tier in tiers.items()},
        "templates": templates(),
        "pictures": [*_of_groups(runs), *_of_machines(runs)],
    }


def _of_groups(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    speaking = (
        (site, group, run)
        for site, speakers in headline_groups(runs).items()
        for group, run in speakers.items()
    )
    for site, group, run in islice(speaking, MAX_GROUPS):
        rows = [row for row in run.rows if row.group == group][:MAX_SERIES]
        if any(row.curve for row in rows):
            yield _picture(str(site), losses(rows, where=where(run)))
        if any(row.is_timed for row in rows):
            yield _picture(str(site), spread(rows, where=where(run)))


def _of_machines(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for site, pictures in pictures_of(runs).items():
        yield from (_picture(str(site), each) for each in pictures if each.kind not in OF_A_GROUP)


def _picture(site: str, drawn: Picture) -> dict[str, Any]:
    """Take title and subtitle out of the picture: the page writes them above it, for every width."""
    spec: Spec = drawn.chart.to_dict()
    title = spec.pop("title", {})
    return {
        "site": site,
        "kind": drawn.kind,
        "about": drawn.about,
        "title": drawn.title,
        "subtitle": title.get("subtitle", []),
        "words": drawn.description,
        "spec": _rounded(spec),
        "values": _rounded(drawn.values),
    }


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any of JSON's types
    """Round all figures within: half of a page would be digits that nobody can see."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _both(light: Any, dark: Any) -> Any:  # noqa: ANN401 - any of JSON's types
    """Merge two configurations: where colours differ, the browser chooses, on paper, too."""
    if isinstance(light, dict):
        return {key: _both(light[key], dark[key]) for key in light}
    return light if light == dark else f"light-dark({light}, {dark})"
