"""The plots that records allow, and their order and number."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.problems import name_of
from benchmarks.records.row import Verdict
from benchmarks.report.plots.files import MAX_EACH, write_plots
from benchmarks.report.plots.gallery import MAX_GROUPS, MAX_MACHINES, plots_of
from benchmarks.report.plots.style import (
    ORANGE,
    SKY,
)
from tests.conftest import SMALL
from tests.helpers.plots import DRAWN, swept, text_of
from tests.helpers.records import row, run_of
from tests.helpers.runs import elsewhere, run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.report.plots.plot import Plot


def test_a_sweep_with_losses_has_every_plot_but_the_trend_in_the_order_of_the_questions(
    plots: dict[str, Plot],
) -> None:
    assert list(plots) == ["losses", "throughput", "decision-map", "cost-split", "spread"]


@pytest.mark.parametrize(
    ("kind", "titles"),
    [
        ("losses", ["loss of the step", "step", "|loss - reference|"]),
        ("throughput", ["batch size (samples)", "throughput (samples/s)"]),
        ("decision-map", ["batch size (samples)", "length of the training (epochs)"]),
        ("cost-split", ["fixed cost per step", "cost per sample"]),
        ("spread", ["round", "epoch / typical"]),
    ],
)
def test_a_plot_has_titled_axes_and_says_in_words_and_figures_what_it_shows(
    plots: dict[str, Plot], kind: str, titles: list[str]
) -> None:
    plot = plots[kind]

    specification = plot.chart.to_dict()
    assert specification["description"] == plot.description
    assert specification["title"]["text"] == plot.title
    for title in titles:
        assert f'"title": "{title}"' in json.dumps(specification)
    assert "torch_eager" in plot.description
    assert {"torch_eager", "jax_jit"} <= {value["implementation"] for value in plot.values}


def test_a_sweep_of_fewer_sizes_takes_no_plots_from_an_older_one_of_as_many_ways() -> None:
    whole = run_of_day(0, *swept())
    newer = run_of_day(1, *(row for row in swept() if row.problem.batch_size <= 100))

    (plots,) = plots_of([whole, newer]).values()

    drawn = next(each for each in plots if each.kind == "throughput")
    assert {value["batch size"] for value in drawn.values} == {row.problem.batch_size for row in swept()}


def test_an_implementation_has_one_colour_in_all_plots(plots: dict[str, Plot]) -> None:
    assert plots
    for plot in plots.values():
        text = text_of(plot)
        assert ORANGE in text
        assert SKY in text


def test_no_runs_and_no_times_make_no_plots_and_no_error() -> None:
    (nothing,) = plots_of(
        [run_of(row(verdict=Verdict.FAILED, reason="crashed", processes=(), agreement=None))]
    ).values()

    assert plots_of([]) == {}
    assert nothing == []


def test_a_trend_on_two_cores_is_about_the_problem_and_the_place_that_the_page_asks_for() -> None:
    rows = [timed(name, [1e-3] * 6, n_cores=2) for name in ("torch_eager", "native_floor")]
    runs = [run_of_day(day, *rows) for day in range(3)]

    (plots,) = plots_of(runs).values()

    (trend,) = [plot for plot in plots if plot.kind == "trend"]
    assert trend.about == f"{name_of(SMALL)}-on-cpu, 2 cores"


def test_losses_of_an_older_run_are_shown_where_the_newest_has_none() -> None:
    old = run_of_day(0, row(agreement=DRAWN))
    new = run_of_day(1, row())

    (plots,) = plots_of([old, new]).values()

    assert [plot.kind for plot in plots] == ["losses", "spread"]
    assert "2026-11-01" in text_of(plots[0])
    assert "2026-11-02" in text_of(plots[1])


def test_very_many_cases_and_machines_make_few_plots_and_fewer_files(tmp_path: Path) -> None:
    problems = [replace(SMALL, n_features=n) for n in range(1, MAX_GROUPS + 2)]
    run = run_of(*(row(problem=problem, agreement=DRAWN) for problem in problems))
    runs = [replace(run, provenance=elsewhere(run.provenance, machine=f"vm{i}")) for i in range(6)]

    drawn = plots_of(runs)
    first = next(iter(drawn))

    assert len(drawn) == MAX_MACHINES
    assert all(len(plots) == 2 * MAX_GROUPS for plots in drawn.values())
    assert len(write_plots({first: drawn[first]}, tmp_path)[first]) == 2 * MAX_EACH
