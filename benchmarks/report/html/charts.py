"""Plots for the page: one specification each, for light and dark."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.records.run import Run
from benchmarks.report.html.specs import Spec, templates
from benchmarks.report.plots.gallery import Gallery
from benchmarks.report.plots.plot import Plot, rounded
from benchmarks.report.plots.style import config, look_of


def charts_of(runs: Sequence[Run], gallery: Gallery) -> dict[str, Any]:
    """Return the plots and what they share; a plot's "about" names the problem or group that it shows."""
    rows = {row.implementation: row for run in runs for row in run.rows}
    return {
        "config": _both(config("light"), config("dark")),
        "looks": {name: asdict(look_of(row)) for name, row in rows.items()},
        "templates": templates(),
        "plots": [_plot(str(machine), plot) for machine, plots in gallery.items() for plot in plots],
    }


def _plot(machine: str, drawn: Plot) -> dict[str, Any]:
    """Return a plot without title and subtitle, which the page writes above it for every width."""
    spec: Spec = drawn.chart.to_dict(validate=False)  # validation takes long, and the tests of plots do it
    title = spec.pop("title", {})
    return {
        "machine": machine,
        "kind": drawn.kind,
        "about": drawn.about,
        "title": drawn.title,
        "subtitle": title.get("subtitle", []),
        "words": drawn.description,
        "spec": rounded(spec),
        "values": rounded(drawn.values),
    }


def _both(light: Any, dark: Any) -> Any:  # noqa: ANN401 - any of JSON's types
    """Merge two configurations: if colours differ, the browser chooses, also when it prints."""
    if isinstance(light, dict):
        return {key: _both(light[key], dark[key]) for key in light}
    return light if light == dark else f"light-dark({light}, {dark})"
