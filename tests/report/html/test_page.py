"""The page as a file: it holds the tables' figures, needs nothing from anywhere, and can't be broken into."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.figures import figures_of
from benchmarks.errors import UsageError
from benchmarks.report.html.page import bundled, write_page
from benchmarks.report.tables.run import figures_grid
from benchmarks.stats import speedup
from impls.contract import Problem
from tests.helpers.pages import ABSENT, MINIMA_S, payload_of, rows_of, typical_run
from tests.helpers.records import INVALID
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.run import Run

gallery = pytest.importorskip("benchmarks.report.plots.gallery", reason="needs the extra `report`")
alt = pytest.importorskip("altair")
charts = pytest.importorskip("benchmarks.report.html.charts")
vl_convert = pytest.importorskip("vl_convert")

HOSTILE = "</script><img src=x onerror=alert(1)>`*_[x](javascript:alert(1))"
MOST_BYTES = 5_000_000


def page_of(folder: Path, *runs: Run) -> str:
    path = folder / "index.html"
    write_page(runs, gallery.plots_of(runs), path)
    return path.read_text(encoding="utf-8")


def test_a_row_of_the_page_has_the_texts_of_the_table(tmp_path: Path) -> None:
    run = run_of_day(0, *rows_of(Problem()))
    content = payload_of(page_of(tmp_path, run))

    (group,) = content["groups"]
    shown = [
        [
            row["implementation"],
            row["tier"],
            row["gradient"],
            *(text for name, text in row["text"].items() if name != "million_samples_j"),
            row["verdict"],
        ]
        for row in group["rows"]
    ]
    assert shown == figures_grid("", figures_of(run)).rows


def test_what_the_page_subtracts_or_divides_has_all_its_digits(tmp_path: Path) -> None:
    minima_s = [1.00000123e-4 * (1 + i / 7) for i in range(6)]
    run = run_of_day(0, timed("torch_eager", minima_s, problem=Problem()))
    ((shown,),) = [group["rows"] for group in payload_of(page_of(tmp_path, run))["groups"]]

    (figures,) = figures_of(run)
    assert [shown[name] for name in ("typical_s", "cold_s", "warm_s")] == [
        figures.typical_s, figures.cold_s, figures.warm_s
    ]  # fmt: skip
    assert [process[3] for process in shown["processes"]] == minima_s


def test_the_page_makes_no_request_and_lets_no_other_script_run(tmp_path: Path) -> None:
    html = page_of(tmp_path, typical_run())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)

    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not [value for tag, name, value in attributes_of(html) if name in ("src", "action", "onclick")]
    assert all("://" not in value for _, name, value in attributes_of(html) if name == "href")


def attributes_of(html: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend((tag, name, value or "") for name, value in attrs)

    Collector().feed(html)
    return found


def test_no_text_of_a_record_is_markup_in_the_page(tmp_path: Path) -> None:
    hostile = replace(INVALID, implementation=HOSTILE, reason=HOSTILE, summary=HOSTILE)
    html = page_of(tmp_path, run_of_day(0, hostile, machine=HOSTILE, cpu=HOSTILE, commit=HOSTILE))

    assert "img src=x" not in html
    assert payload_of(html)["groups"][0]["rows"][0]["reason"] == HOSTILE


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [run_of_day(0, INVALID)],
        [run_of_day(0, ABSENT)],
        [run_of_day(0, *rows_of(Problem())[:1])],
        [run_of_day(day, *rows_of(Problem(), device="cpu")) for day in range(3)],
        [run_of_day(0, *rows_of(Problem(last_batch_size=300, target_loss=0.3, data="stream")))],
    ],
    ids=["no run", "only invalid", "nothing measured", "one row", "three runs", "a ragged batch, a target"],
)
def test_a_page_can_be_made_of_it(tmp_path: Path, runs: list[Run]) -> None:
    assert len(payload_of(page_of(tmp_path, *runs))["runs"]) == len(runs)


def test_the_run_that_is_shown_for_a_group_comes_first_and_timed_groups_before_others(
    tmp_path: Path,
) -> None:
    old, new = run_of_day(0, *rows_of(Problem())), run_of_day(1, ABSENT, *rows_of(Problem(batch_size=7)))
    groups = payload_of(page_of(tmp_path, old, new))["groups"]

    assert [(group["nickname"], group["run"], group["isShown"]) for group in groups] == [
        ("book", 1, True),
        (None, 0, True),
        ("book", 0, False),
    ]


def test_the_plots_that_the_page_fills_in_are_valid() -> None:
    for specification in charts.templates().values():
        alt.LayerChart.from_dict(specification)


def test_ten_thousand_rows_are_smaller_than_a_photograph(tmp_path: Path) -> None:
    rows = rows_of(Problem())
    many = [replace(row, problem=Problem(n_features=n)) for n in range(3, 103) for row in rows]
    few, more = (len(page_of(tmp_path, run_of_day(0, *each))) for each in (rows, [*rows, *many]))

    assert few + (more - few) / len(many) * 10_000 < MOST_BYTES


def test_the_ranks_in_the_page_give_the_interval_of_the_statistics(tmp_path: Path) -> None:
    content = payload_of(page_of(tmp_path, typical_run()))
    torch, jax = (sorted(MINIMA_S[name][2]) for name in ("torch_step", "jax_jit"))
    rank, coverage = content["ranks"]["6"]
    ratio = speedup(torch, jax)

    ratios = sorted(one / other for one, other in zip(torch, jax, strict=True))
    assert (ratio.low, ratio.high, ratio.coverage) == pytest.approx(
        (ratios[rank - 1], ratios[len(ratios) - rank], coverage)
    )
    assert content["ranks"]["4"] is None  # too few for an interval


def test_the_library_that_draws_is_bundled_once_for_all_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = iter(["window.vegaEmbed = '</script>';"])
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: next(scripts))

    found = []
    for caches in ("caches", "caches", "file/caches"):  # the last can't be used
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / caches))
        (tmp_path / "file").touch()
        bundled.cache_clear()
        with suppress(StopIteration):
            found.append(bundled())
    bundled.cache_clear()

    assert found == ["window.vegaEmbed = '<\\/script>';"] * 2
    assert len([*tmp_path.rglob("*.js")]) == 1


def test_without_the_extra_the_package_that_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled.cache_clear()
    monkeypatch.setitem(sys.modules, "vl_convert", None)

    with pytest.raises(ImportError, match="vl_convert"):
        write_page([], {}, tmp_path / "index.html")


def test_a_page_that_can_not_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="name another folder"):
        write_page([], {}, tmp_path / "file" / "index.html")
