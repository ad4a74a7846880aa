"""The page in a browser: plots, phones, paper, and readers who can't see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from impls.contract import Problem
from tests.analysis.test_decision_map import sweep
from tests.helpers.pages import PHONE, rows_of, written
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.html.conftest import Open


LONG_NAME = "a" * 40
"""Wider than a phone."""


@pytest.fixture(scope="module")
def areas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a sweep in which each of two implementations has an area."""
    rows = [
        row
        for implementation, first_s, epoch_s in (("eager", 1e-3, 1e-3), (LONG_NAME, 0.1, 1e-4))
        for row in sweep(implementation, warm_s=first_s, cold_s=first_s, epoch_s=epoch_s)
    ]
    return written(tmp_path_factory.mktemp("areas"), run_of_day(0, *rows), drawn=True)


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of three runs without a change."""
    runs = (run_of_day(day, *rows_of(Problem())) for day in range(3))
    return written(tmp_path_factory.mktemp("runs"), *runs, drawn=True)


@pytest.mark.parametrize(("width", "n_times"), [(1280, 1), (PHONE["width"], 0)])
def test_an_area_has_its_name_if_there_is_room_for_it(
    opened: Open, areas: Path, width: int, n_times: int
) -> None:
    page = opened(areas, viewport={"width": width, "height": 800})
    page.wait_for_selector("html[data-drawn=yes]")

    plot = page.locator("#chart-decision-map svg")
    shown = plot.locator("[class*=names_cold] text")
    assert shown.all_text_contents().count(LONG_NAME) == n_times
    panel = plot.locator(".mark-area").first.bounding_box()
    assert panel
    for box in filter(None, (each.bounding_box() for each in shown.all())):
        assert panel["x"] <= box["x"]
        assert box["x"] + box["width"] <= panel["x"] + panel["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_serious(opened: Open, typical: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(typical, color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_selector("html[data-drawn=yes]")
    page.locator("summary").first.click()
    found = axe.run(page).response["violations"]
    page.get_by_role("button", name="jax_jit").click()
    found += axe.run(page, "dialog").response["violations"]

    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []


def test_on_a_phone_nothing_is_cut_off_and_the_interval_is_visible(opened: Open, typical: Path) -> None:
    page = opened(typical, viewport=PHONE)
    page.wait_for_selector("html[data-drawn=yes]")

    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.locator("th.is-speedup_low").is_visible()
    assert not page.locator("th.is-memory_bytes").is_visible()


def test_paper_is_white_and_has_every_column_even_if_the_screen_is_dark(opened: Open, plain: Path) -> None:
    page = opened(plain, color_scheme="dark", viewport=PHONE)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("th.is-memory_bytes").is_visible()


def test_every_plot_is_also_described_in_words(opened: Open, typical: Path) -> None:
    page = opened(typical)
    page.wait_for_selector("html[data-drawn=yes]")

    plots = page.locator("figure:has(svg)")
    assert plots.count() >= 5
    for i in range(plots.count()):
        plot = plots.nth(i)
        plot.locator("summary").click()
        assert len(plot.locator("details p").first.inner_text()) > 40
        plot.locator("details td").first.wait_for()


def test_three_runs_without_a_change_are_drawn_over_time_without_a_warning(
    opened: Open, three_runs: Path
) -> None:
    page = opened(three_runs)

    page.wait_for_selector("#chart-trend svg")

    assert "against native_floor" in page.locator("#chart-trend svg").inner_html()


def test_on_a_phone_the_trends_are_as_large_as_elsewhere_and_their_headings_are_shortened(
    opened: Open, three_runs: Path
) -> None:
    page = opened(three_runs, viewport=PHONE)

    page.wait_for_selector("#chart-trend svg")

    shrunk = page.evaluate(
        "(svg => svg.clientWidth / svg.viewBox.baseVal.width)(document.querySelector('#chart-trend svg'))"
    )
    assert shrunk > 0.95
    assert "torch_step-cpu-book" in page.locator("#chart-trend svg").inner_html()
