"""The decision map's check against direct measurement: where it measures, what counts as right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.decision_map import decision_maps
from benchmarks.errors import UsageError
from benchmarks.studies import decision_map
from benchmarks.studies.decision_map import (
    BESIDE,
    Point,
    main,
    points_of,
)
from benchmarks.studies.whole_training import WholeTraining, time_whole
from benchmarks.worker.messages import Job
from tests.analysis.test_decision_map import EAGER, sweep
from tests.conftest import SMALL
from tests.helpers.records import row, run_of
from tests.helpers.runs import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Copy

ROWS = [
    *sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3),
    *sweep("jax_jit", warm_s=0.1, cold_s=1.0, epoch_s=1e-4),
]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return write(run_of(*ROWS), tmp_path / "run.json")


def taking(total_s: Callable[[Job], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings take so long."""
    monkeypatch.setattr(
        decision_map,
        "time_whole",
        lambda job: WholeTraining(total_s=total_s(job), cpu_per_wall=1.0, parameters=[]),
    )


def test_points_lie_below_and_above_borders_spread_over_the_batch_sizes() -> None:
    cold, _ = decision_maps(ROWS)
    border = cold.stretches(10)[1].begin

    points = points_of(cold, 5)

    assert [point.batch_size for point in points[::2]] == [2, 8, 32, 126, 501]
    assert [point.batch_size for point in points[1::2]] == [2, 8, 32, 126, 501]
    assert [point.n_epochs for point in points] == [round(border / BESIDE), round(border * BESIDE)] * 5
    assert [point.border for point in points] == pytest.approx([border] * 10)
    for point in points:
        named, other = point.predicted_s
        assert cold.winner(point.batch_size, point.n_epochs) == named
        assert point.predicted_s[named] < point.predicted_s[other]


@pytest.mark.parametrize("border", [1.1, 1.9, 2.9])
def test_near_the_border_of_very_short_trainings_a_point_is_on_the_named_ways_side(border: float) -> None:
    later_s = 1e-3 + (border - 1) * 9e-4
    short = sweep("jax_jit", warm_s=0.1, cold_s=later_s, epoch_s=1e-4)
    cold, _ = decision_maps([*sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3), *short])

    points = points_of(cold, 5)

    assert points
    for point in points:
        named, _ = point.predicted_s
        assert cold.winner(point.batch_size, point.n_epochs) == named


def test_where_measuring_agrees_with_the_map_every_point_is_right(
    record: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = {"torch": 1e-3, "jax": 1.0}
    epoch = {"torch": 1e-3, "jax": 1e-4}
    ways = {"torch_eager.py": "torch", "jax_jit.py": "jax"}

    def total_s(job: Job) -> float:
        way = ways[job.path.rpartition("/")[2]]
        return first[way] + (job.problems[0].n_epochs - 1) * epoch[way]

    taking(total_s, monkeypatch)

    assert main([str(record)]) == 0
    shown = capsys.readouterr().out
    assert "10 of 10 right" in shown
    assert "the largest relative error of a predicted time was 0.0%" in shown


def test_the_prediction_that_was_furthest_off_counts_whichever_way_it_was_of() -> None:
    point = Point(batch_size=8, border=10, n_epochs=12, predicted_s={"a": 1.0, "b": 2.0})
    point.measured.update(
        {
            name: [WholeTraining(total_s=s, cpu_per_wall=1, parameters=[])]
            for name, s in (("a", 1.25), ("b", 2.1))
        }
    )

    assert point.misprediction == pytest.approx(0.2)
    assert replace(point, predicted_s={"a": 1.25, "b": 3.0}).misprediction == pytest.approx(3 / 2.1 - 1)


def test_no_point_is_named_for_a_way_that_is_first_for_no_whole_number_of_epochs() -> None:
    ways = (("slow", 1e-3, 1e-3), ("middle", 4.1e-3, 5e-4), ("fast", 6.82e-3, 1e-4))
    rows = [row for name, s, epoch_s in ways for row in sweep(name, warm_s=s, cold_s=s, epoch_s=epoch_s)]
    cold, _ = decision_maps(rows)
    assert [round(each.begin, 1) for each in cold.stretches(10)][1:] == [7.2, 7.8]

    points = points_of(cold, 5)

    assert points
    for point in points:
        assert cold.winner(point.batch_size, point.n_epochs) == next(iter(point.predicted_s))


@pytest.mark.parametrize(("excess", "status"), [(0.04, 0), (0.06, 1)])
def test_a_way_that_took_up_to_5_percent_longer_than_the_other_still_counts(
    record: Path, excess: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking(lambda job: 1 + excess * ("torch" in job.path), monkeypatch)

    assert main([str(record), "--borders", "1"]) == status  # the map names torch_eager at one of the two


@pytest.mark.parametrize("excess", [0.0, 0.5])
def test_what_was_found_is_kept_as_a_page_whatever_it_was(
    record: Path, excess: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking(lambda job: 1 + excess * ("torch" in job.path), monkeypatch)
    page = tmp_path / "decision_map.md"

    status = main([str(record), "--borders=1", "--repeats=1", f"--output={page}"])

    title, about, table, right, off, measured = page.read_text(encoding="utf-8").rstrip().split("\n\n")
    assert status == (1 if excess else 0)
    assert title == "# Is the decision map right near its borders?"
    assert "of run.json (commit " in about
    assert "D2-N4-E3 on cpu: whole trainings" in about
    assert "the median of 1 counts" in about
    verdicts = [line.split("|")[-2].strip() for line in table.splitlines()[2:]]
    assert verdicts == ["WRONG" if excess else "right", "right"]
    assert right.startswith("1 of 2 right: " if excess else "2 of 2 right: ")
    assert off.startswith("the largest relative error of a predicted time was ")
    assert "numpy" in measured
    assert " · commit " in measured


def test_the_median_of_the_repeats_counts(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def total_s(job: Job) -> float:
        calls.append(job.path.rpartition("/")[2])
        return 9.0 if len(calls) == 1 else 1.0  # one goes wild

    taking(total_s, monkeypatch)

    assert main([str(record), "--borders", "1", "--repeats", "3"]) == 0
    below, above = ["torch_eager.py", "jax_jit.py"], ["jax_jit.py", "torch_eager.py"]
    assert calls == [*below, *above, *below[::-1], *above[::-1], *below, *above]


def test_a_record_in_which_one_way_always_wins_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rows in ([row()], EAGER):
        assert main([str(write(run_of(*rows), tmp_path / "run.json"))]) == 4
        assert "expected a sweep over batch sizes in which more than one way wins" in capsys.readouterr().err


def job_of(path: Path) -> Job:
    return Job(path=str(path), framework="numpy", devices=("cpu",), problems=(SMALL,))


def test_a_whole_training_is_timed_from_its_first_epoch_to_its_last(numpy_float32: Path) -> None:
    short = time_whole(job_of(numpy_float32))
    long = time_whole(replace(job_of(numpy_float32), problems=(replace(SMALL, n_epochs=300),)))

    assert 0 < short.total_s < long.total_s
    assert len(short.parameters) == SMALL.n_features + 1


def test_a_training_that_computes_something_else_has_no_time(copy_of: Copy) -> None:
    wrong = copy_of("numpy_float32", ("BETA1, BETA2, EPSILON", "BETA2, EPSILON"), as_name="wrong")
    wrong.write_text(wrong.read_text().replace("BETA1", "0.8"))

    with pytest.raises(UsageError, match=r"expected the reference's parameters within 0\.0001, found "):
        time_whole(job_of(wrong))


def test_a_training_that_raises_has_no_time(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("raise SystemExit(3)")

    with pytest.raises(UsageError, match="ended with exit status 3"):
        time_whole(job_of(path))


def test_an_implementation_that_no_longer_exists_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = sweep("jax_scan_packed", warm_s=0.1, cold_s=0.5, epoch_s=1e-5)
    taking(lambda _: 1.0, monkeypatch)

    assert main([str(write(run_of(*ROWS, *gone), tmp_path / "run.json")), "--repeats=1"]) == 0

    assert "left out, because they no longer exist: jax_scan_packed" in capsys.readouterr().out
