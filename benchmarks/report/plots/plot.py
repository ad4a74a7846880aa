"""One picture: a specification, and the words that stand for it where it can't be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import altair as alt

if TYPE_CHECKING:
    from impls.contract import Problem

Panel: TypeAlias = alt.LayerChart | alt.FacetChart
"""What Altair's layer says that it gives."""

Kind: TypeAlias = Literal["losses", "throughput", "decision-map", "cost-split", "spread", "trend"]
"""One per module of this package."""

DIGITS = 5
"""Significant digits in a picture."""

Values: TypeAlias = list[dict[str, Any]]
"""What a chart draws: one dictionary per mark, of JSON's types."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart, named and described."""

    kind: Kind
    about: str  # what it shows that kind of, as a file's name may hold: "D2-N5-E12-cpu"
    title: str
    description: str  # all that it says, in words: the alternative text
    chart: alt.TopLevelMixin  # in no theme; see benchmarks.report.plots.style
    values: Values  # the figures that it shows, for a table beside it

    @property
    def name(self) -> str:
        """Name its files."""
        return f"{self.kind}-{self.about}"


def inline(values: Values) -> alt.InlineData:
    """Put values into a chart: as a tuple, because Altair copies lists with every change of the chart."""
    return alt.InlineData(values=tuple(rounded(values)))


def rounded(value: Any) -> Any:  # noqa: ANN401 - any of JSON's types
    """Return it with all figures in it rounded to DIGITS: processors differ in further ones."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def setting_of(problem: Problem, place: str) -> str:
    """Describe what a sweep over batch sizes leaves alone; the place is a device and its cores."""
    features = f"{problem.n_features:,} feature{'s' * (problem.n_features != 1)}"
    batches = f"{problem.n_batches:,} batch{'es' * (problem.n_batches != 1)} an epoch"
    where = place.replace("cuda", "a GPU").replace("cpu", "the CPU")
    return f"{features}, {batches}, on {where}"


def titled(chart: Any, title: str, subtitle: list[str], description: str) -> Any:  # noqa: ANN401 - any chart of Altair's
    """Put title, subtitle and alternative text on it."""
    return chart.properties(title=alt.Title(title, subtitle=subtitle), description=description)
