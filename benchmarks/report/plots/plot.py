"""One plot: its panels, and the words that replace it for readers who can't see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import altair as alt

from benchmarks.decode import Json
from impls.contract import Problem

Panel: TypeAlias = alt.LayerChart | alt.FacetChart
"""The declared type of Altair's layers."""

Kind: TypeAlias = Literal["losses", "throughput", "decision-map", "cost-split", "spread", "trend"]
"""One per module of this package."""

DIGITS = 5
"""Significant digits in a plot."""

Values: TypeAlias = list[dict[str, Any]]
"""The data of a chart: one dictionary per mark, of JSON's types."""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Panels with a name, a title and a description."""

    kind: Kind
    about: str  # the subject, as in a file's name: "D2-N5-E12-cpu"
    title: str
    subtitle: list[str]
    description: str  # the whole content in words: the alternative text
    panels: Any  # one of Altair's charts, in no theme; see benchmarks.report.plots.style
    values: Values  # the figures that it shows, for a table beside it

    @property
    def name(self) -> str:
        """Return the stem of its files' names."""
        return f"{self.kind}-{self.about}"

    @property
    def chart(self) -> Any:  # noqa: ANN401 - as `panels`
        """Return the panels with title and alternative text."""
        title = alt.Title(self.title, subtitle=self.subtitle)
        return self.panels.properties(title=title, description=self.description)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Return the chart's Vega-Lite specification, without a theme; the tests validate it."""
        found: dict[str, Any] = self.chart.to_dict(validate=False)
        return found


class Unit(alt.Chart):
    """A chart that Altair copies without its parts, which nothing changes: it copies charts at every step."""

    def __deepcopy__(self, _: object) -> Unit:
        """Return a copy with the same parts."""
        return self.copy(deep=False)


def inline(values: Values) -> alt.InlineData:
    """Return values as a chart's data: in a tuple, because Altair copies lists at every change."""
    return alt.InlineData(values=tuple(rounded(values)))


def rounded(value: Json) -> Json:
    """Return it with all figures rounded to DIGITS: further digits differ between processors."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def setting_of(problem: Problem, place: str) -> str:
    """Describe what is constant in a sweep over batch sizes; the place is a device and its cores."""
    features = f"{problem.n_features:,} feature{'s' * (problem.n_features != 1)}"
    batches = f"{problem.n_batches:,} batch{'es' * (problem.n_batches != 1)} an epoch"
    where = place.replace("cuda", "a GPU").replace("cpu", "the CPU")
    return f"{features}, {batches}, on {where}"
