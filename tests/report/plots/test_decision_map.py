"""The plot of the decision map: areas, borders and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.analysis.decision_map import decision_maps
from benchmarks.paths import CODE
from benchmarks.records.run import read_run
from benchmarks.report.plots.decision_map import (
    CHARACTER_HEIGHT,
    MAX_EPOCHS,
    N_PLACES,
    PANEL_HEIGHT,
    decisions,
    room_beside,
)
from tests.analysis.test_decision_map import sweep
from tests.helpers.plots import one_of, swept
from tests.helpers.records import run_of

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from benchmarks.report.plots.plot import Plot


def drawn_in(plot: Plot, mark: str) -> list[dict[str, Any]]:
    """Return what the first panel's marks of that kind show."""
    specification = plot.chart.to_dict()
    (layer,) = (each for each in specification["hconcat"][0]["layer"] if each["mark"]["type"] == mark)
    data = layer["data"]
    values: list[dict[str, Any]] = (
        specification["datasets"][data["name"]] if "name" in data else data["values"]
    )
    return values


def test_a_decision_map_marks_the_sizes_that_were_measured(plots: dict[str, Plot]) -> None:
    sizes = [value["batch size"] for value in drawn_in(plots["decision-map"], "rule")]

    assert sizes == [1, 10, 100, 1000]


def test_the_decision_maps_areas_leave_no_gap_from_one_epoch_to_the_most() -> None:
    columns: dict[float, list[dict[str, Any]]] = {}
    for value in drawn_in(decisions(decision_maps(swept()), where="here"), "area"):
        columns.setdefault(value["batch size"], []).append(value)

    assert len(columns) == N_PLACES
    for column in columns.values():
        ends = [1.0, *(value["epochs to"] for value in column)]
        assert [value["epochs from"] for value in column] == ends[:-1]
        assert ends[-1] == MAX_EPOCHS


def test_an_areas_name_is_within_it_or_is_left_to_the_legend() -> None:
    pixels_a_decade = PANEL_HEIGHT / np.log10(MAX_EPOCHS)
    rows = read_run(CODE / "results" / "runs" / "20261126T102341Z.json").rows
    named = set()
    for drawn in decision_maps(rows):
        plot = decisions([drawn], where="here")
        values = drawn_in(plot, "area")
        places = sorted({value["batch size"] for value in values})
        for label in drawn_in(plot, "text"):
            named.add((drawn.caches, label["implementation"]))
            middle, half = places.index(label["batch size"]), 3 * len(label["implementation"])
            height = 10 ** (7 / pixels_a_decade)
            assert half <= middle < len(places) - half
            for place in places[middle - half : middle + half]:
                stretches = [value for value in values if value["batch size"] == place]
                (own,) = (each for each in stretches if each["area"] == label["area"])
                assert own["epochs from"] * height <= label["epochs"] <= own["epochs to"] / height

    assert {("cold", "torch_cudagraph_compiled"), ("warm", "jax_scan")} <= named
    assert ("cold", "jax_scan") not in named


def test_what_finishes_first_for_no_whole_number_of_epochs_is_left_out() -> None:
    def way(name: str, first_s: float, epoch_s: float) -> list[Row]:
        return sweep(name, warm_s=first_s, cold_s=first_s, epoch_s=epoch_s)

    rows = [*way("slow", 1.0, 1.0), *way("brief", 1.70, 0.5), *way("fast", 2.27, 0.2)]  # level at 2.4 and 2.9

    words = one_of(run_of(*rows), "decision-map").description

    assert "slow, for 3 epochs or more fast;" in words
    assert "brief" not in words


def test_a_name_has_as_much_room_as_a_line_of_text_has_on_the_shorter_side() -> None:
    places = np.arange(100.0)
    flat, rising = np.zeros(100), np.maximum(0, places - 50)

    assert room_beside(flat, flat + 40, 30) == 30  # that of the panel
    assert room_beside(flat, flat + CHARACTER_HEIGHT - 1, 30) == 0  # no line fits
    assert room_beside(rising, flat + 100, 49) == 44  # the border rises to the line's foot
    assert room_beside(flat, 100 - rising, 49) == 44  # as it would from above
