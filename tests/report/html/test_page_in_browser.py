"""The page in a browser: what can be chosen, opened and read, by mouse, keyboard and screen reader."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.analysis.cells import in_unit, interval_cell, si
from benchmarks.analysis.head_to_head import like_for_like
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.row import Check, Verdict
from benchmarks.report.html.page import write_page
from benchmarks.report.plots.gallery import plots_of
from benchmarks.report.readme.head_to_head import like_for_like_table
from benchmarks.stats import speedup
from impls.contract import Problem
from tests.analysis.test_decision_map import sweep
from tests.helpers.pages import ABSENT, BROWSER, BROWSERS, MINIMA_S, many_rows, rows_of, typical_run
from tests.helpers.runs import run_of_day
from tests.records.test_run import process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.result import Comparison
    from benchmarks.records.run import Run


pytest.importorskip("altair")
pytest.importorskip("vl_convert")
pytest.importorskip("playwright.sync_api", reason="the tests of the page in a browser need playwright")
if BROWSER is None:
    pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH", allow_module_level=True)


HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
PHONE = {"width": 390, "height": 844}


class Open(Protocol):
    def __call__(self, path: Path, choice: str = ..., **options: Any) -> Page:
        """Open the page, with that choice in its address."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def typical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"), typical_run())


def written(folder: Path, *runs: Run, against: Comparison | None = None) -> Path:
    path = folder / "index.html"
    write_page(runs, plots_of(runs), path, comparison=against)
    return path


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open pages; whatever is done with them, none asks for anything or complains."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_(path: Path, choice: str = "", **options: Any) -> Page:
        page = browser.new_page(**options)
        address = path.resolve().as_uri()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url.replace(address, "")))
        page.goto(f"{address}#{choice}")
        page.wait_for_selector("html[data-ready]")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert [each for each in complaints if each and not each.startswith("#")] == []


def column(page: Page, name: str) -> list[str]:
    return page.locator(f"#table tbody .is-{name}").all_inner_texts()


def names(page: Page) -> list[str]:
    return page.locator("#table .implementation").all_inner_texts()


def test_a_heading_sorts_the_table_and_sorts_it_the_other_way_round_when_chosen_again(
    opened: Open, typical: Path
) -> None:
    page = opened(typical, "grouped=no")
    heading = page.locator("[data-sort=speedup]")

    heading.click()
    ascending = names(page)
    assert ascending[:2] == ["jax_nojit", "torch_eager"]
    assert page.locator("th.is-speedup").get_attribute("aria-sort") == "ascending"
    heading.click()

    assert names(page) == [*ascending[-2::-1], "torch_cudagraph_step"]  # what has no figure stays last
    assert page.locator("th.is-speedup").get_attribute("aria-sort") == "descending"


def test_what_is_chosen_survives_a_reload_and_goes_with_the_address(opened: Open, typical: Path) -> None:
    page = opened(typical)
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


def test_a_question_leads_to_its_section_and_leaves_the_choice_alone(opened: Open, typical: Path) -> None:
    page = opened(typical, "baseline=jax_jit")

    page.get_by_role("link", name="When does compiling pay?").click()

    assert page.locator("#pay h2").evaluate("element => element === document.activeElement")
    assert page.locator("#choose-baseline").input_value() == "jax_jit"
    assert page.url.endswith("#baseline=jax_jit")


def test_back_undoes_a_choice(opened: Open, typical: Path) -> None:
    page = opened(typical)
    problem = page.locator("#choose-problem")
    before = problem.input_value()

    problem.select_option(index=1)
    assert problem.input_value() != before
    page.go_back()

    assert problem.input_value() == before


def test_a_choice_that_the_data_does_not_have_is_passed_over(opened: Open, typical: Path) -> None:
    page = opened(typical, "problem=none&device=tpu&baseline=nobody&tiers=x&sort=y&row=z")

    assert len(names(page)) == len(MINIMA_S) + 1


def test_a_device_on_which_nothing_was_measured_is_named_as_such_and_can_not_be_chosen(
    opened: Open, tmp_path: Path
) -> None:
    here, absent = rows_of(Problem()), [replace(ABSENT, device="cuda"), replace(ABSENT, device="cpu")]
    device = opened(written(tmp_path, run_of_day(0, *here, *absent)), "device=cuda").locator("#choose-device")
    alone = opened(written(tmp_path, run_of_day(0, absent[0]))).locator("#choose-device")

    assert device.locator("option").all_inner_texts() == ["CPU", "CUDA: not measured"]
    assert device.locator("option").nth(1).is_disabled()
    assert device.input_value() == "cpu"
    assert alone.locator("option").all_inner_texts() == ["CUDA: not measured"]


def test_a_row_opens_its_manifest_by_keyboard_and_gives_the_focus_back(opened: Open, typical: Path) -> None:
    page = opened(typical)
    name = page.get_by_role("button", name="jax_jit")
    name.focus()
    assert "6.67× torch_eager: from 6.51 to 6.75, sure to 96.9 %" in page.locator("#tip").inner_text()

    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "graph breaks" in dialog.inner_text()
    assert "row=jax_jit" in page.url
    page.keyboard.press("Escape")

    assert not dialog.is_visible()
    assert name.evaluate("element => element === document.activeElement")


def test_against_another_baseline_stand_the_ratios_that_the_statistics_give(
    opened: Open, typical: Path
) -> None:
    page = opened(typical, "baseline=jax_jit&grouped=no&sort=implementation")
    minima_s = [(MINIMA_S["jax_jit"][2], minima_s) for _, (_, _, minima_s) in sorted(MINIMA_S.items())]
    ratios = [speedup(*pair) for pair in minima_s if pair[0] is not pair[1]]

    shown = [text for text in column(page, "speedup") if text not in ("—", "1×")]
    assert shown == [in_unit(ratio.value, "×") for ratio in ratios]
    intervals = [interval_cell(ratio.low, ratio.high, ratio.coverage) for ratio in ratios]
    assert [text for text in column(page, "speedup_low") if text != "—"] == intervals


def test_the_fastest_of_either_framework_is_so_by_its_typical_time(opened: Open, tmp_path: Path) -> None:
    rows = {each.implementation: each for each in rows_of(Problem())}
    lucky = tuple(process(round_, 1e-6, 1e-3) for round_ in range(6))
    run = run_of_day(0, *rows.values(), replace(rows["jax_jit"], implementation="jax_lucky", processes=lucky))

    paired_runs = opened(written(tmp_path, run)).locator("#duels").inner_text()

    assert "jax_jit" in paired_runs
    assert "jax_lucky" not in paired_runs


@pytest.mark.parametrize("n_rounds", [3, 6])
def test_who_is_faster_the_page_says_in_the_words_of_the_results_first_page(
    opened: Open, tmp_path: Path, n_rounds: int
) -> None:
    run = run_of_day(0, *(replace(row, processes=row.processes[:n_rounds]) for row in rows_of(Problem())))
    page = opened(written(tmp_path, run))
    first_page = like_for_like_table(like_for_like(run)).replace("*", "").splitlines()[2:]

    verdicts = [line.split("|")[-2].strip() for line in first_page]
    shown = page.locator("#duels tbody tr td:last-child").all_text_contents()
    assert sorted(shown) == sorted(verdicts)
    assert ("too few rounds to be sure" in shown[0]) == (n_rounds == 3)
    answer = page.locator("#answer-fast").inner_text()
    caveat = "With too few rounds to be sure: " * (n_rounds == 3)
    assert re.match(rf"{caveat}JAX by 1\.3\d× in tier step\. PyTorch by 9[\d.]*× in tier eager\.", answer)


def test_where_typical_epochs_tell_another_winner_the_answer_says_so(opened: Open, tmp_path: Path) -> None:
    rows = {row.implementation: row for row in rows_of(Problem())}
    uneven = tuple(
        process(round_, 1e-6, 1e-3) for round_ in range(6)
    )  # first by its fastest, last by typical
    run = run_of_day(0, *(rows | {"jax_jit": replace(rows["jax_jit"], processes=uneven)}).values())

    answer = opened(written(tmp_path, run)).locator("#answer-fast").inner_text()

    assert "In tier step the fastest epochs and the typical ones name different winners." in answer
    assert "JAX" not in answer


def test_the_page_writes_a_figure_as_the_tables_do(browser: Browser) -> None:
    values = [0.0, *(digits * 10.0**power for power in range(-13, 10) for digits in (1, 2.344, 9.9996))]
    script = files("benchmarks.report.html").joinpath("static", "format.js").read_text(encoding="utf-8")

    with browser.new_page() as page:
        written_ = page.evaluate(
            f"values => {{ {script}; return values.map((each) => si(each, 's')) }}", values
        )

    assert written_ == [si(value, "s") for value in values]


@pytest.mark.parametrize(("width", "n_times"), [(1280, 1), (PHONE["width"], 0)])
def test_an_area_is_named_where_the_name_has_room_in_it(
    opened: Open, tmp_path: Path, width: int, n_times: int
) -> None:
    name = "a" * 40  # more than a phone is wide
    eager, jit = (("eager", 1e-3, 1e-3), (name, 0.1, 1e-4))
    rows = [
        row
        for implementation, first_s, epoch_s in (eager, jit)
        for row in sweep(implementation, warm_s=first_s, cold_s=first_s, epoch_s=epoch_s)
    ]
    page = opened(written(tmp_path, run_of_day(0, *rows)), viewport={"width": width, "height": 800})
    page.wait_for_selector("html[data-drawn=yes]")

    picture = page.locator("#chart-decision-map svg")
    shown = picture.locator("[class*=names_cold] text")
    assert shown.all_text_contents().count(name) == n_times
    panel = picture.locator(".mark-area").first.bounding_box()
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
    found += axe.run(page).response["violations"]

    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []


def test_on_a_phone_nothing_sticks_out_and_the_interval_is_there(opened: Open, typical: Path) -> None:
    page = opened(typical, viewport=PHONE)
    page.wait_for_selector("html[data-drawn=yes]")

    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.locator("th.is-speedup_low").is_visible()
    assert not page.locator("th.is-memory_bytes").is_visible()


def test_paper_is_white_and_has_every_column_even_where_the_screen_is_dark(
    opened: Open, typical: Path
) -> None:
    page = opened(typical, color_scheme="dark", viewport=PHONE)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("th.is-memory_bytes").is_visible()


def test_markup_in_a_record_shows_as_text(opened: Open, tmp_path: Path) -> None:
    item = Check(name=HOSTILE, expected=HOSTILE, found=HOSTILE, holds=True)
    rows = [
        replace(
            row, implementation=HOSTILE * (i == 1) or row.implementation, summary=HOSTILE, manifest=(item,)
        )
        for i, row in enumerate(rows_of(Problem()))
    ]
    broken = replace(rows[0], implementation="broken", verdict=Verdict.INVALID, reason=HOSTILE, processes=())
    run = run_of_day(0, *rows, broken, machine=HOSTILE, cpu=HOSTILE, commit=HOSTILE, system=HOSTILE)
    page = opened(written(tmp_path, run), f"row={rows[2].implementation}")
    page.wait_for_selector("html[data-drawn=yes]")

    assert page.title() == "perceptron-bench: PyTorch against JAX"
    assert page.locator("img").count() == 0
    assert HOSTILE in names(page)
    assert HOSTILE in page.get_by_role("dialog").inner_text()
    assert HOSTILE in page.locator("#unverified").inner_text()


def test_every_picture_is_there_in_words_too(opened: Open, typical: Path) -> None:
    page = opened(typical)
    page.wait_for_selector("html[data-drawn=yes]")

    pictures = page.locator("figure:has(svg)")
    assert pictures.count() >= 5
    for i in range(pictures.count()):
        picture = pictures.nth(i)
        picture.locator("summary").click()
        assert len(picture.locator("details p").first.inner_text()) > 40
        picture.locator("details td").first.wait_for()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "There is no record yet"),
        (
            [
                replace(each, verdict=Verdict.INVALID, reason="off", processes=())
                for each in rows_of(Problem())
            ],
            "INVALID",
        ),
        (rows_of(Problem())[:1], "The one that ran agrees"),
    ],
    ids=["no run", "only invalid", "one row"],
)
def test_of_little_it_says_something_sensible(opened: Open, tmp_path: Path, rows: Any, said: str) -> None:
    page = opened(written(tmp_path, *([] if rows is None else [run_of_day(0, *rows)])))

    assert said in page.locator("body").inner_text()


def test_of_very_many_rows_it_shows_some_and_more_when_asked(opened: Open, tmp_path: Path) -> None:
    page = opened(written(tmp_path, many_rows(450)))
    assert len(names(page)) == 200

    page.get_by_role("button", name="more rows").click()

    assert len(names(page)) == 400


def test_a_comparison_stands_in_the_page_case_by_case(opened: Open, tmp_path: Path) -> None:
    base, new = run_of_day(0, *rows_of(Problem())), run_of_day(1, *rows_of(Problem()))
    page = opened(written(tmp_path, new, base, against=compare_runs(base, new, Settings())))

    section = page.locator("#changes")
    assert "unchanged" in section.inner_text() or "undecided" in section.inner_text()
    assert section.locator("tbody tr").count() == len(MINIMA_S)


def test_a_run_is_not_shown_with_the_pictures_of_another(opened: Open, tmp_path: Path) -> None:
    page = opened(written(tmp_path, *(run_of_day(day, *rows_of(Problem())) for day in range(2))))
    page.wait_for_selector("#chart-spread svg")

    page.locator("#choose-run").select_option(index=1)

    assert "none of this one" in page.locator("#chart-spread").inner_text()
    assert page.locator("#chart-spread svg, #chart-losses svg").count() == 0


def test_three_runs_in_which_nothing_changed_are_drawn_over_time_without_a_complaint(
    opened: Open, tmp_path: Path
) -> None:
    page = opened(written(tmp_path, *(run_of_day(day, *rows_of(Problem())) for day in range(3))))

    page.wait_for_selector("#chart-trend svg")

    assert "against native_floor" in page.locator("#chart-trend svg").inner_html()


def test_on_a_phone_the_trends_are_as_large_as_elsewhere_and_their_headings_are_cut(
    opened: Open, tmp_path: Path
) -> None:
    runs = (run_of_day(day, *rows_of(Problem())) for day in range(3))
    page = opened(written(tmp_path, *runs), viewport={"width": 390, "height": 844})

    page.wait_for_selector("#chart-trend svg")

    shrunk = page.evaluate(
        "(svg => svg.clientWidth / svg.viewBox.baseVal.width)(document.querySelector('#chart-trend svg'))"
    )
    assert shrunk > 0.95
    assert "torch_step-cpu-book" in page.locator("#chart-trend svg").inner_html()


def test_machines_are_told_apart_and_chosen(opened: Open, tmp_path: Path) -> None:
    runs = (run_of_day(i, *rows_of(Problem()), machine=f"machine-{i}") for i in range(2))
    page = opened(written(tmp_path, *runs))
    chooser = page.locator("#choose-machine")
    assert "machine-1" in chooser.input_value()

    chooser.select_option(index=1)

    assert "machine-0" in page.locator("#provenance").inner_text()
