"""Pictures from records: which there are, what stands in them, and that they are files one can open."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import vl_convert

from benchmarks.analysis.cost_model import cost_models
from benchmarks.analysis.decision_map import decision_maps
from benchmarks.cases.implementations import REFERENCE, discover
from benchmarks.errors import UsageError
from benchmarks.paths import CODE
from benchmarks.records.machine import Machine
from benchmarks.records.row import LossPoint, Verdict
from benchmarks.records.run import read_run
from benchmarks.report.plots import decision_map, gallery
from benchmarks.report.plots.files import MAX_EACH, MAX_STEM, Files, write_pictures
from benchmarks.report.plots.gallery import MAX_GROUPS, MAX_MACHINES, pictures_of
from benchmarks.report.plots.losses import losses
from benchmarks.report.plots.render import STYLE, VEGA_LITE, compact
from benchmarks.report.plots.style import (
    BLUE,
    GREEN,
    OLIVE,
    ORANGE,
    SKY,
    SOLID,
    Look,
    ink_on,
    log_ticks,
    look_of,
    themed,
    variants_of,
)
from benchmarks.verify.agreement import loss_curve
from tests.analysis.test_decision_map import sweep
from tests.conftest import SMALL
from tests.helpers.runs import elsewhere, run_of_day, timed
from tests.records.test_run import AGREEMENT, row, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from benchmarks.report.plots.plot import Picture


pytest.importorskip("altair")
pytest.importorskip("vl_convert")


EXPECTED = np.geomspace(0.7, 0.1, 12)
CURVE = loss_curve(EXPECTED, EXPECTED + 1e-7)
DRAWN = replace(AGREEMENT, curve=CURVE)
HERE = Machine.of(run_of(row()))
HOSTILE = "<script>alert(1)</script>&\"'`|[x](y)"


def swept() -> list[Row]:
    """Give a sweep of three implementations with losses: one that compiles, one that does not, the floor."""
    rows = [
        *sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3, framework="torch"),
        *sweep("jax_jit", warm_s=0.1, cold_s=1.0, epoch_s=1e-4),
        *sweep("native_floor", warm_s=1e-5, cold_s=0.5, epoch_s=1e-6, framework="numpy"),
    ]
    return [replace(each, agreement=DRAWN) for each in rows]


def one_of(run: Run, kind: str) -> Picture:
    return next(picture for picture in drawn_of(run) if picture.kind == kind)


def drawn_of(run: Run) -> list[Picture]:
    (pictures,) = pictures_of([run]).values()
    return pictures


def write(picture: Picture, folder: Path) -> Files:
    ((files,),) = write_pictures({HERE: [picture]}, folder).values()
    return files


def text_of(picture: Picture) -> str:
    """Give the specification as text, as the page embeds it."""
    return json.dumps(picture.chart.to_dict(), allow_nan=False)


@pytest.fixture(scope="module")
def pictures() -> dict[str, Picture]:
    """Draw the sweep once, for all who only look; of each kind the last."""
    return {picture.kind: picture for picture in drawn_of(run_of(*swept()))}


def test_a_sweep_with_losses_has_every_picture_but_the_trend_in_the_order_of_the_questions(
    pictures: dict[str, Picture],
) -> None:
    assert list(pictures) == ["losses", "throughput", "decision-map", "cost-split", "spread"]


def test_three_runs_have_a_trend() -> None:
    pytest.importorskip("ruptures")
    runs = [run_of_day(day, timed("a", [1e-3] * 6), timed("native_floor", [1e-5] * 6)) for day in range(3)]

    (pictures,) = pictures_of(runs).values()
    (before,) = pictures_of(runs[:2]).values()

    assert [picture.kind for picture in pictures] == ["spread", "trend"]
    assert "3 runs, too few runs to look for a change of level, which takes 6" in pictures[-1].description
    assert "too few runs" in pictures[-1].chart.to_dict()["title"]["subtitle"][1]
    assert [picture.kind for picture in before] == ["spread"]


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
def test_a_picture_has_titled_axes_and_says_in_words_and_figures_what_it_shows(
    pictures: dict[str, Picture], kind: str, titles: list[str]
) -> None:
    picture = pictures[kind]

    specification = picture.chart.to_dict()
    assert specification["description"] == picture.description
    assert specification["title"]["text"] == picture.title
    for title in titles:
        assert f'"title": "{title}"' in json.dumps(specification)
    assert "torch_eager" in picture.description
    assert {"torch_eager", "jax_jit"} <= {value["implementation"] for value in picture.values}


def test_a_decision_map_marks_the_sizes_that_were_measured(pictures: dict[str, Picture]) -> None:
    map_ = pictures["decision-map"].chart.to_dict()

    (rules,) = (each for each in map_["hconcat"][0]["layer"] if each["mark"]["type"] == "rule")

    values = map_["datasets"][rules["data"]["name"]] if "name" in rules["data"] else rules["data"]["values"]
    assert [value["batch size"] for value in values] == [1, 10, 100, 1000]


def test_a_sweep_of_fewer_sizes_takes_no_pictures_from_an_older_one_of_as_many_ways() -> None:
    whole = run_of_day(0, *swept())
    newer = run_of_day(1, *(row for row in swept() if row.problem.batch_size <= 100))

    (pictures,) = pictures_of([whole, newer]).values()

    drawn = next(each for each in pictures if each.kind == "throughput")
    assert {value["batch size"] for value in drawn.values} == {row.problem.batch_size for row in swept()}


def test_the_cost_split_says_how_far_the_model_is_from_what_was_measured() -> None:
    cheap, dear = (sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=s) for s in (1e-3, 2e-3))
    run = run_of(*cheap[:2], *dear[2:3], *cheap[3:])

    subtitle = one_of(run, "cost-split").chart.to_dict()["title"]["subtitle"]

    assert max(model.max_misfit for model in cost_models(run.rows)) > 0.05
    assert subtitle[1].endswith(f"by at most {max(model.max_misfit for model in cost_models(run.rows)):.0%}")


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1e-5, 1e-3, 1e-4], [1e-5, 1e-4, 1e-3]),
        ([2e-5, 5e-4], [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]),
        ([32, 64, 256], [10, 20, 50, 100, 200, 500, 1000, 2000, 5000]),
        ([4e-4], [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3]),
        ([], []),
    ],
)
def test_a_logarithmic_axis_has_the_fewest_round_values_of_which_three_are_within(
    values: list[float], ticks: list[float]
) -> None:
    assert log_ticks(values) == ticks


def test_a_picture_is_an_svg_file_and_a_png_file_for_sharing_unless_it_is_to_be_committed(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    files = write(pictures["throughput"], tmp_path)

    assert ET.fromstring(files.svg.read_text()).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314
    assert files.svg.name == "throughput-D2-N4-E3-cpu.svg"
    assert files.png
    assert files.png.read_bytes().startswith(b"\x89PNG\r\n")
    write_pictures({HERE: [pictures["throughput"]]}, tmp_path, with_png=False)
    assert (files.svg.exists(), files.png.exists()) == (True, False)


def test_for_a_dark_page_the_style_of_an_svg_file_replaces_the_colours_of_the_light_theme_by_the_dark_ones(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    chart = pictures["throughput"].chart
    text = write(pictures["throughput"], tmp_path).svg.read_text()

    assert text.count(STYLE) == 1
    text = text.replace(STYLE, "")
    for attribute, light, same, dark in re.findall(r'\[(\w+)="(.+?)"\]{(\w+):(.+?)}', STYLE):
        assert same == attribute
        text = text.replace(f'{attribute}="{light}"', f'{attribute}="{dark}"')
    assert text == compact(vl_convert.vegalite_to_svg(themed(chart, "dark"), vl_version=VEGA_LITE))


def test_only_the_numbers_in_tags_are_shortened_and_a_text_stays_as_it_is() -> None:
    svg = '<text class="a" aria-label="b" transform="translate(1.23456,7.00001)">1.23456 role="c"</text>'

    assert compact(svg) == '<text transform="translate(1.23,7)">1.23456 role="c"</text>'


def test_the_same_picture_drawn_again_is_the_same_file(pictures: dict[str, Picture], tmp_path: Path) -> None:
    once, again = (write(pictures["spread"], tmp_path).svg.read_bytes() for _ in range(2))

    assert once == again
    svg = ET.fromstring(once)  # noqa: S314 - our own
    clips = [element.get("id") for element in svg.iter("{http://www.w3.org/2000/svg}clipPath")]
    used = [element.get("clip-path") for element in svg.iter()]
    assert clips == [f"clip{i + 1}" for i in range(len(clips))]
    assert sorted(filter(None, used)) == sorted(f"url(#{each})" for each in clips)
    assert len(clips) > 1


def put(folder: Path, *names: str) -> None:
    """Put files there from before."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("old", encoding="utf-8")


def put_picture(folder: Path, stem: str) -> None:
    """Put the files there that an earlier report wrote of a picture."""
    put(folder, f"{stem}.png")
    (folder / f"{stem}.svg").write_text(f"<svg>{STYLE}</svg>", encoding="utf-8")


def old_in(folder: Path) -> set[str]:
    """Name what is left of these files."""
    files = {path for path in folder.rglob("*") if path.is_file() and len(path.read_bytes()) < 2 * len(STYLE)}
    return {path.relative_to(folder).as_posix() for path in files}


def test_pictures_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    run = run_of(*swept())
    put_picture(tmp_path, "throughput-of-old")
    put_picture(tmp_path, "mine")
    others = {"losses-mine.png", "spread-mine.svg", "spread-mine.png", "trend.txt"}
    put(tmp_path, *others)

    ((*_, files),) = write_pictures(pictures_of([run]), tmp_path).values()

    assert files.svg.exists()
    assert files.svg.parent.parent == tmp_path
    shutil.rmtree(files.svg.parent)
    assert old_in(tmp_path) == {"mine.svg", "mine.png", *others}


@pytest.mark.parametrize("runs", [[], [run_of_day(0, row())]], ids=["no runs", "one machine"])
def test_pictures_of_machines_that_are_no_longer_there_go_and_so_do_their_folders_if_empty(
    runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_losses", lambda *_: ())
    elsewhere = tmp_path / "elsewhere"
    put_picture(elsewhere, "losses-there")
    pictures = tmp_path / "pictures"
    put_picture(pictures, "losses-of-old")
    for name in ("a-CPU-4-CPUs", "machine-3", "machine-two", "mine"):
        put_picture(pictures / name, "losses-of-old")
    put(pictures / "machine-3", "mine.txt")
    put(pictures / "machine-4")
    (pictures / "machine-5").symlink_to(elsewhere)

    write_pictures(pictures_of(runs), pictures)

    left = old_in(pictures)
    assert {name for name in left if "losses" not in name} == {"machine-3/mine.txt"}
    assert {name.partition("/")[0] for name in left if "losses" in name} == {"machine-two", "mine"}
    assert not (pictures / "a-CPU-4-CPUs").exists()
    assert [(pictures / f"machine-{i}").exists() for i in (3, 4)] == [True, True]
    assert len(old_in(elsewhere)) == 2


def test_no_runs_leave_a_folder_that_is_not_there_alone(tmp_path: Path) -> None:
    assert write_pictures({}, tmp_path / "pictures") == {}
    assert not (tmp_path / "pictures").exists()


def test_a_theme_changes_paper_and_ink_and_nothing_of_what_is_drawn(pictures: dict[str, Picture]) -> None:
    chart = pictures["losses"].chart

    light, dark = themed(chart, "light"), themed(chart, "dark")

    assert light.pop("config") != dark.pop("config")
    assert light == dark


def test_an_implementation_has_one_colour_in_all_pictures(pictures: dict[str, Picture]) -> None:
    for picture in pictures.values():
        text = text_of(picture)
        assert ORANGE in text
        assert SKY in text


def looks() -> dict[str, Look]:
    """Return the look of every implementation in impls/."""
    return {
        name: look_of(row(name, framework=entry.framework, tier=entry.tier, gradient=entry.gradient))
        for name, entry in discover().items()
        if name != REFERENCE
    }


def test_implementations_of_one_colour_differ_in_shape_in_dashes_and_in_areas() -> None:
    known = looks()

    for distinct in ("shape", "dash"):
        assert len({(look.colour, getattr(look, distinct)) for look in known.values()}) == len(known)
    assert len({look.fill for look in known.values()}) == len(known)


def test_framework_tier_and_gradient_decide_the_colour_and_only_the_usual_program_has_a_solid_line() -> None:
    assert look_of(row("mine", framework="jax", tier="epoch")).colour == BLUE
    assert look_of(row("mine", framework="jax", tier="epoch", gradient="by hand")).colour == GREEN
    assert look_of(row("mine", framework="mlx", tier="epoch")).colour == OLIVE
    usual = {name for name, entry in discover().items() if entry.usual}
    assert {name for name, look in looks().items() if look.dash == SOLID} == usual


@pytest.mark.parametrize("original", ["jax_scan", "jax_scan_packed", "jax_jit", "torch_cudagraph_epoch"])
def test_a_copy_has_a_variant_of_its_own_and_leaves_those_of_others_as_they_are(original: str) -> None:
    entries = discover()
    before = variants_of(entries.values())

    after = variants_of([*entries.values(), replace(entries[original], name="mine")])

    assert before == {name: after[name] for name in before}
    assert after["mine"] != after[original]


def test_what_a_record_says_is_text_in_a_picture(tmp_path: Path) -> None:
    rows = [replace(each, implementation=HOSTILE + each.implementation) for each in swept()]
    hostile = run_of(*rows)
    hostile = replace(hostile, provenance=elsewhere(hostile.provenance, cpu=HOSTILE, machine="../" + HOSTILE))

    files = write(replace(one_of(hostile, "cost-split"), about="../" + HOSTILE), tmp_path)

    assert files.svg.parent.parent == tmp_path
    tree = ET.fromstring(files.svg.read_text())  # noqa: S314
    assert not [element for element in tree.iter() if element.tag.endswith("script")]
    texts = [element.text or "" for element in tree.iter()]
    assert any(text.startswith("<script>alert(1)") for text in texts)  # long names end in an ellipsis
    assert any(f"../{HOSTILE}: {HOSTILE}" in text for text in texts)


def test_pictures_whose_long_names_differ_in_their_ends_only_have_files_of_their_own(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    names = [f"{'-last_batch_size=300' * 5}-{device}" for device in ("cpu", "cuda")]

    files = [write(replace(pictures["cost-split"], about=name), tmp_path) for name in names]

    assert files[0].svg != files[1].svg
    assert all(len(each.svg.stem) <= MAX_STEM for each in files)


def test_no_runs_and_no_times_make_no_pictures_and_no_error() -> None:
    (nothing,) = pictures_of([run_of(row(verdict=Verdict.FAILED, processes=(), agreement=None))]).values()

    assert pictures_of([]) == {}
    assert nothing == []


def test_an_invalid_row_is_drawn_beside_the_others_with_a_gap_where_it_has_no_loss() -> None:
    off = (*CURVE[:5], LossPoint(step=6, loss=None, reference_loss=0.5, max_deviation=None), *CURVE[6:])
    wrong = row("wrong", verdict=Verdict.INVALID, processes=(), agreement=replace(DRAWN, curve=off))

    picture = one_of(run_of(row(agreement=DRAWN), wrong), "losses")

    assert {"loss": None, "deviation": None}.items() <= picture.values[12 + 5].items()
    text_of(picture)  # no NaN


def test_losses_of_an_older_run_are_shown_where_the_newest_has_none() -> None:
    old = run_of_day(0, row(agreement=DRAWN))
    new = run_of_day(1, row())

    (pictures,) = pictures_of([old, new]).values()

    assert [picture.kind for picture in pictures] == ["losses", "spread"]
    assert "2026-11-01" in text_of(pictures[0])
    assert "2026-11-02" in text_of(pictures[1])


def test_each_implementations_marks_stand_at_other_steps_since_the_lines_coincide() -> None:
    curve = loss_curve(np.linspace(0.7, 0.1, 60), np.linspace(0.7, 0.1, 60))
    rows = [row(name, agreement=replace(AGREEMENT, curve=curve)) for name in ("a", "b", "c")]

    values = losses(rows, where="here").values

    marked = [{v["step"] for v in values if v["marked"] and v["implementation"] == name} for name in "abc"]
    assert all(marked)
    assert not set.intersection(*marked)


def test_the_roofline_is_the_floors_best_rate_of_reading_data_and_says_so(
    pictures: dict[str, Picture],
) -> None:
    rate = 1000 * SMALL.n_batches * 12 / 1e-6  # the largest batch, 3 floats a sample, 1 µs an epoch

    assert f"{rate / 1e9:.1f} GB/s" in text_of(pictures["throughput"])


def test_without_a_floor_there_is_no_roofline() -> None:
    rows = sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3)

    assert "roofline" not in text_of(one_of(run_of(*rows), "throughput"))


def test_the_decision_maps_areas_leave_no_gap_from_one_epoch_to_the_most() -> None:
    cold, _ = decision_maps(swept())

    columns: dict[float, list[dict[str, Any]]] = {}
    for value in decision_map._areas(cold):  # noqa: SLF001 - what is drawn, before it is pixels
        columns.setdefault(value["batch size"], []).append(value)

    assert len(columns) == decision_map.N_PLACES
    for column in columns.values():
        ends = [1.0, *(value["epochs to"] for value in column)]
        assert [value["epochs from"] for value in column] == ends[:-1]
        assert ends[-1] == decision_map.MAX_EPOCHS


def test_an_areas_name_lies_within_it_or_is_left_to_the_legend() -> None:
    pixels_a_decade = decision_map.PANEL_HEIGHT / np.log10(decision_map.MAX_EPOCHS)
    rows = read_run(CODE / "results" / "runs" / "20261126T102341Z.json").rows
    named = set()
    for drawn in decision_maps(rows):
        values = decision_map._areas(drawn)  # noqa: SLF001 - what is drawn, before it is pixels
        fills = {way.implementation: BLUE for way in drawn.ways}
        places = sorted({value["batch size"] for value in values})
        for label in decision_map._labels(values, fills):  # noqa: SLF001 - as above
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


def test_what_finishes_first_for_no_whole_number_of_epochs_is_not_told() -> None:
    def way(name: str, first_s: float, epoch_s: float) -> list[Row]:
        return sweep(name, warm_s=first_s, cold_s=first_s, epoch_s=epoch_s)

    rows = [*way("slow", 1.0, 1.0), *way("brief", 1.70, 0.5), *way("fast", 2.27, 0.2)]  # level at 2.4 and 2.9

    words = one_of(run_of(*rows), "decision-map").description

    assert "slow, for 3 epochs or more fast;" in words
    assert "brief" not in words


def test_a_name_has_as_much_room_as_a_line_of_text_has_on_the_shorter_side() -> None:
    places = np.arange(100.0)
    flat, rising = np.zeros(100), np.maximum(0, places - 50)

    assert decision_map._room(flat, flat + 40, 30) == 30  # noqa: SLF001 - that of the panel
    assert decision_map._room(flat, flat + decision_map.CHARACTER_HEIGHT - 1, 30) == 0  # noqa: SLF001 - no line fits
    assert decision_map._room(rising, flat + 100, 49) == 44  # noqa: SLF001 - the border rises to the line's foot
    assert decision_map._room(flat, 100 - rising, 49) == 44  # noqa: SLF001 - as it would from above


def test_a_name_is_written_in_the_ink_that_is_read_on_its_colour() -> None:
    assert [ink_on(colour) for colour in ("#ffffff", "#000000", BLUE, GREEN, ORANGE)] == [
        "black", "white", "white", "black", "black"
    ]  # fmt: skip


@pytest.mark.parametrize(("n_rows", "columns"), [(2, 3), (5, 5), (7, 4), (8, 4), (9, 3), (10, 5)])
def test_as_few_places_as_can_be_stay_empty_where_processes_are_drawn(n_rows: int, columns: int) -> None:
    picture = one_of(run_of(*(row(f"torch_{i}") for i in range(n_rows))), "spread")

    assert picture.chart.to_dict()["columns"] == columns


def test_very_many_cases_and_machines_make_few_pictures_and_fewer_files(tmp_path: Path) -> None:
    problems = [replace(SMALL, n_features=n) for n in range(1, MAX_GROUPS + 2)]
    run = run_of(*(row(problem=problem, agreement=DRAWN) for problem in problems))
    runs = [replace(run, provenance=elsewhere(run.provenance, machine=f"vm{i}")) for i in range(6)]

    drawn = pictures_of(runs)
    first = next(iter(drawn))

    assert len(drawn) == MAX_MACHINES
    assert all(len(pictures) == 2 * MAX_GROUPS for pictures in drawn.values())
    assert len(write_pictures({first: drawn[first]}, tmp_path)[first]) == 2 * MAX_EACH


def test_a_picture_that_can_not_be_written_is_told_in_words(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    files = write(pictures["spread"], tmp_path)
    files.svg.unlink()
    files.svg.mkdir()

    with pytest.raises(UsageError, match=r"can't be written .*; name another folder"):
        write(pictures["spread"], tmp_path)


def test_machines_that_are_spelled_almost_alike_have_folders_of_their_own(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    sites = [replace(HERE, cpu="A (CPU)"), replace(HERE, cpu="A CPU")]

    written = write_pictures({site: [pictures["spread"]] for site in sites}, tmp_path)

    assert len({files.svg.parent for (files,) in written.values()}) == 2
    assert all(files.svg.exists() for (files,) in written.values())
    write_pictures({}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_each_machines_pictures_go_into_a_folder_that_is_named_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "_losses", lambda *_: ())
    one, other = run_of_day(0, row()), run_of_day(1, row(), machine="other")

    written = write_pictures(pictures_of([one, other]), tmp_path)

    assert list(written) == [Machine.of(other), Machine.of(one)]
    folders = [files[0].svg.parent.name for files in written.values()]
    assert folders == ["other-A-CPU-2-CPUs", "vm-A-CPU-2-CPUs"]
