"""PyTorch against JAX, tier by tier → tables that fit a terminal of 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis.cells import NO_FIGURE, in_unit, interval_cell
from benchmarks.analysis.columns import Column, explained
from benchmarks.analysis.figures import Figures
from benchmarks.analysis.head_to_head import LikeForLike, Line, lines_of
from benchmarks.cases.problems import NAMED
from benchmarks.records.run import Run
from benchmarks.report.tables.grid import Grid


@dataclass(frozen=True)
class _Shown:
    """A line, and the problem that it is about."""

    problem: str
    line: Line


COLUMNS = (
    Column("problem", is_text=True, value=lambda shown: shown.problem),
    Column(
        "tier",
        "work that one call covers; *by hand*: of the same tier, with a gradient that is written out",
        is_text=True,
        value=lambda shown: "by hand" if shown.line.by_hand else shown.line.tier,
    ),
    Column(
        "PyTorch",
        "PyTorch's fastest implementation",
        is_text=True,
        cell=lambda shown: _name(shown.line.torch),
    ),
    Column(
        "PyTorch's epoch",
        "its typical time",
        priority=2,
        cell=lambda shown: _epoch(shown.line.torch),
    ),
    Column("JAX", "JAX's fastest implementation", is_text=True, cell=lambda shown: _name(shown.line.jax)),
    Column("JAX's epoch", "its typical time", priority=2, cell=lambda shown: _epoch(shown.line.jax)),
    Column(
        "faster",
        "the faster framework of the line, by the fastest epochs of each round; ?: too few rounds to be sure",
        is_text=True,
        cell=lambda shown: _faster(shown.line.pair),
    ),
    Column("95 %", "confidence interval", priority=1, cell=lambda shown: _interval(shown.line.pair)),
)

READING = f"""\
*PyTorch against JAX* compares, tier by tier, only gradients that are derived alike: by the framework, or in \
lines *by hand* written out by hand. A line that only one framework has names no winner. \
{explained(COLUMNS)}"""


def head_to_head_grids(run: Run) -> Iterator[Grid]:
    """Make a table for each device: of the named problems, or of all if none of them was measured."""
    places: dict[str, dict[str, Sequence[Line]]] = {}
    for group, lines in lines_of(run).items():
        problem, _, place = group.rpartition(" on ")
        places.setdefault(place, {})[problem] = lines
    for place, problems in places.items():
        title = f"PyTorch against JAX on {place}, gradient by the framework or by hand"
        yield Grid.of(title, COLUMNS, _shown(problems))


def _shown(problems: Mapping[str, Sequence[Line]]) -> list[_Shown]:
    named = {problem: problem.partition("-")[0] for problem in problems}
    named = {problem: name for problem, name in named.items() if name in NAMED}
    return [
        _Shown(named.get(problem, problem), line)
        for problem, lines in problems.items()
        if problem in named or not named
        for line in lines
    ]


def _name(figures: Figures | None) -> str:
    return figures.implementation if figures else NO_FIGURE


def _epoch(figures: Figures | None) -> str:
    return in_unit(figures.typical_s, "s") if figures else NO_FIGURE


def _faster(pair: LikeForLike | None) -> str:
    if pair is None:
        return NO_FIGURE
    if pair.winner is None:
        return "neither" if pair.is_doubtful else "inconclusive"
    ratio = in_unit(pair.advantage.value, "×")
    return f"{pair.winner} {ratio}" + ("" if pair.is_sure else "?")


def _interval(pair: LikeForLike | None) -> str:
    if pair is None:
        return NO_FIGURE
    ahead = pair.advantage
    return interval_cell(ahead.low, ahead.high, ahead.coverage)
