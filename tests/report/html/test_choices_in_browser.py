"""The page in a browser: what can be chosen, sorted and opened, by mouse and keyboard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from impls.contract import Problem
from tests.helpers.pages import ABSENT, MINIMA_S, column, many_rows, names, rows_of, written
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.html.conftest import Open


def test_a_heading_sorts_the_table_and_in_the_other_order_when_chosen_again(
    opened: Open, plain: Path
) -> None:
    page = opened(plain, "grouped=no")
    heading = page.locator("[data-sort=speedup]")

    heading.click()
    ascending = names(page)
    assert ascending[:2] == ["jax_nojit", "torch_eager"]
    assert page.locator("th.is-speedup").get_attribute("aria-sort") == "ascending"
    heading.click()

    assert names(page) == [*ascending[-2::-1], "torch_cudagraph_step"]  # what has no figure stays last
    assert page.locator("th.is-speedup").get_attribute("aria-sort") == "descending"


def test_what_is_chosen_survives_a_reload_and_goes_with_the_address(opened: Open, plain: Path) -> None:
    page = opened(plain)
    page.locator("#choose-feed").select_option("host")
    page.locator("#choose-baseline").select_option("jax_jit")
    page.locator("#box-tier-floor").uncheck()
    page.locator("[data-sort=cold_s]").click()
    chosen = names(page), column(page, "speedup")
    assert "native_floor" not in chosen[0]

    page.reload()
    page.wait_for_selector("html[data-ready]")

    assert (names(page), column(page, "speedup")) == chosen
    assert page.locator("#choose-feed").input_value() == "host"
    assert page.locator("#choose-baseline").input_value() == "jax_jit"


def test_a_question_leads_to_its_section_and_leaves_the_choice_alone(opened: Open, plain: Path) -> None:
    page = opened(plain, "baseline=jax_jit")

    page.get_by_role("link", name="When does compiling pay?").click()

    assert page.locator("#pay h2").evaluate("element => element === document.activeElement")
    assert page.locator("#choose-baseline").input_value() == "jax_jit"
    assert page.url.endswith("#baseline=jax_jit")


def test_back_undoes_a_choice(opened: Open, plain: Path) -> None:
    page = opened(plain)
    problem = page.locator("#choose-problem")
    before = problem.input_value()

    problem.select_option(index=1)
    assert problem.input_value() != before
    page.go_back()

    assert problem.input_value() == before


def test_a_choice_that_the_data_does_not_have_is_ignored(opened: Open, plain: Path) -> None:
    page = opened(plain, "problem=none&device=tpu&baseline=nobody&tiers=x&sort=y&row=z")

    assert len(names(page)) == len(MINIMA_S) + 1


def test_a_device_on_which_nothing_was_measured_is_marked_and_can_not_be_chosen(
    opened: Open, tmp_path: Path
) -> None:
    here, absent = rows_of(Problem()), [replace(ABSENT, device="cuda"), replace(ABSENT, device="cpu")]
    device = opened(written(tmp_path, run_of_day(0, *here, *absent)), "device=cuda").locator("#choose-device")
    alone = opened(written(tmp_path, run_of_day(0, absent[0]))).locator("#choose-device")

    assert device.locator("option").all_inner_texts() == ["CPU", "CUDA: not measured"]
    assert device.locator("option").nth(1).is_disabled()
    assert device.input_value() == "cpu"
    assert alone.locator("option").all_inner_texts() == ["CUDA: not measured"]


def test_a_row_opens_its_checks_by_keyboard_and_returns_the_focus(opened: Open, plain: Path) -> None:
    page = opened(plain)
    name = page.get_by_role("button", name="jax_jit")
    name.focus()
    assert "6.67× torch_eager: from 6.51 to 6.75, sure to 96.9 %" in page.locator("#tip").inner_text()

    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "graph breaks" in dialog.inner_text()
    assert "row=jax_jit" in page.url
    page.keyboard.press("Escape")

    assert not dialog.is_visible()
    page.locator("button:focus", has_text="jax_jit").wait_for()  # the browser moves the focus a moment later


def test_of_very_many_rows_the_page_shows_some_and_more_on_request(opened: Open, tmp_path: Path) -> None:
    page = opened(written(tmp_path, many_rows(450)))
    assert len(names(page)) == 200

    page.get_by_role("button", name="more rows").click()

    assert len(names(page)) == 400


def test_a_machine_can_be_chosen(opened: Open, tmp_path: Path) -> None:
    runs = (run_of_day(i, *rows_of(Problem()), machine=f"machine-{i}") for i in range(2))
    page = opened(written(tmp_path, *runs))
    chooser = page.locator("#choose-machine")
    assert "machine-1" in chooser.input_value()

    chooser.select_option(index=1)

    assert "machine-0" in page.locator("#provenance").inner_text()


def test_a_run_is_not_shown_with_the_plots_of_another(opened: Open, tmp_path: Path) -> None:
    page = opened(written(tmp_path, *(run_of_day(day, *rows_of(Problem())) for day in range(2)), drawn=True))
    page.wait_for_selector("#chart-spread svg")

    page.locator("#choose-run").select_option(index=1)

    assert "none of this one" in page.locator("#chart-spread").inner_text()
    assert page.locator("#chart-spread svg, #chart-losses svg").count() == 0


def test_the_users_machine_is_shown_first_and_a_published_one_can_be_chosen(
    opened: Open, tmp_path: Path
) -> None:
    own, published = (run_of_day(day, *rows_of(Problem()), machine=f"of-{day}") for day in range(2))
    page = opened(written(tmp_path, own, beside=[published]))
    chooser = page.locator("#choose-machine")
    first, other = chooser.locator("option").all_inner_texts()
    assert first.startswith("of-0")
    assert first in chooser.input_value()
    assert other.startswith("of-1")
    assert other.endswith("(published)")

    chooser.select_option(index=1)

    assert "of-1" in page.locator("#provenance").inner_text()
