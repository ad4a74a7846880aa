"""The studies of error rates: which processes they measure, read and draw, and the table of the rates."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks.errors import UsageError
from benchmarks.records.row import Verdict
from benchmarks.studies import error_rates_simulation, error_rates_table, slowdown
from benchmarks.studies.error_rates_measure import (
    LOAD,
    append,
    busy,
    kinds_to_run,
    read_lines,
    summarize,
)
from benchmarks.studies.error_rates_table import comparisons_in, page
from benchmarks.studies.other_rules import (
    RULES,
    asv,
    beyond,
    mann_whitney,
)
from benchmarks.studies.slowdown import ADDED_WORK
from tests.helpers.records import row, run_of

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured


def process(pair: int, seconds: float, *, tail: float = 1.0) -> dict[str, Any]:
    """Make up the figures of a process: `tail` is how much longer its slowest tenth takes."""
    kept_s = [seconds * (1 + 0.001 * i) for i in range(90)] + [seconds * 1.09 * tail] * 10
    return {
        "pair": pair,
        "min_s": kept_s[0],
        "median_s": kept_s[50],
        "mean_s": float(np.mean(kept_s)),
        "n_samples": 100,
        "kept_s": kept_s,
    }


def line(kind: str, *, effect: float = 0.0, category: str = "unchanged", seed: int = 0) -> str:
    """Make up one comparison; each process's slowest tenth varies, its fastest epoch hardly does."""
    generator = np.random.default_rng(seed)
    sides = {
        side: [
            process(pair, generator.lognormal(sigma=0.003) * (1 + slower), tail=generator.uniform(1, 4))
            for pair in range(5)
        ]
        for side, slower in (("base", 0.0), ("new", effect))
    }
    case = {"category": category, **sides}
    provenance = asdict(run_of(row()).provenance)
    fields = {"kind": kind, "wall_s": 1.0, "load": 0.33, "added": {}, "provenance": provenance}
    if kind == "slower":
        fields["added"] = {"torch_eager": {"sizes": [0.05, 0.051]}}
    return json.dumps({**fields, "cases": {"torch_eager": case}}) + "\n"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Make up a study."""
    file = tmp_path / "live.jsonl"
    same = [line("same", seed=seed) for seed in range(6)]
    slower = [line("slower", effect=0.05, category="slower", seed=100 + seed) for seed in range(3)]
    file.write_text("".join([*same, *slower]), encoding="utf-8")
    return file


def test_the_table_holds_our_rule_and_every_other_tools(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_rates_table, "N_RESAMPLES", 200)
    monkeypatch.setattr(error_rates_simulation, "N_COMPARISONS", 10)

    lines = read_lines(recorded)
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:4]]
        for text in page(comparisons_in(lines, recorded), lines).splitlines()
        if len(cells := text.split("|")) > 3
    }

    assert rows["ours: `ab`"] == ["0.0%", "0.0%"]
    false_alarms, missed = (float(cell.rstrip("%")) for cell in rows["pytest-benchmark `mean:5%`"])
    assert false_alarms > 10
    assert missed > 10
    assert rows["alert at 200 % of the mean"][1] == "100.0%"
    assert set(RULES) <= set(rows)


def test_a_comparison_in_which_a_side_has_no_times_is_counted_and_not_drawn_from(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_rates_table, "N_RESAMPLES", 200)
    monkeypatch.setattr(error_rates_simulation, "N_COMPARISONS", 10)
    unchecked = json.loads(line("same", category="undecided"))
    unchecked["cases"]["torch_eager"]["base"] = []

    lines = [*read_lines(recorded), unchecked]

    assert "In 1 of all, one side's times could not be checked" in page(
        comparisons_in(lines, recorded), lines
    )


def test_the_table_is_replaced_as_a_whole(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_rates_table, "page", lambda *_: "after")
    table, same_file = recorded.with_name("README.md"), recorded.with_name("before.md")
    table.write_text("before")
    same_file.hardlink_to(table)

    assert error_rates_table.main([str(recorded)]) == 0

    assert table.read_text() == "after"
    assert same_file.read_text() == "before"


def test_the_other_tools_rules_call_what_their_manuals_say() -> None:
    base = process(0, 1.0)

    assert beyond("min_s", 1.05)(base, process(0, 1.06))
    assert not beyond("min_s", 1.05)(base, process(0, 1.04))
    assert asv(base, process(0, 1.2))
    assert not asv(base, process(0, 1.09))
    assert mann_whitney(base, process(0, 1.03))
    assert not mann_whitney(base, process(0, 0.97))


def test_a_study_without_comparisons_of_both_kinds_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "live.jsonl"
    file.write_text(line("same") * 3, encoding="utf-8")

    with pytest.raises(UsageError, match=r"expected two comparisons of each kind: run `python -m"):
        comparisons_in(read_lines(file), file)
    with pytest.raises(UsageError, match="expected two comparisons"):
        comparisons_in([], tmp_path / "absent.jsonl")


def test_a_study_that_was_cut_short_resumes_and_alternates_between_the_kinds(
    tmp_path: Path,
) -> None:
    file = tmp_path / "live.jsonl"
    file.write_text(line("same") + line("slower") + line("same")[:50], encoding="utf-8")

    assert len(read_lines(file)) == 2
    append(file, json.loads(line("slower")))
    assert [each["kind"] for each in read_lines(file)] == ["same", "slower", "slower"]
    file.write_text(line("same") + line("slower"), encoding="utf-8")
    assert list(kinds_to_run(file, {"same": 3, "slower": 2})) == ["same", "slower", "same"]
    assert list(kinds_to_run(file, {"same": 1, "slower": 0})) == []


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([line("same")] * 20 + [line("slower", category="slower")], 0),
        ([line("same")] * 19 + [line("same", category="slower"), line("slower", category="slower")], 0),
        ([line("same")] * 18 + [line("same", category="slower")] * 2, 1),
        ([line("same")] * 20 + [line("slower", category="undecided")], 1),
    ],
    ids=["none", "one false alarm in 20", "two", "one missed"],
)
def test_the_study_fails_on_more_than_one_false_alarm_in_20_or_any_miss(
    lines: list[str], status: int, tmp_path: Path
) -> None:
    file = tmp_path / "live.jsonl"
    file.write_text("".join(lines), encoding="utf-8")

    assert summarize(file, Console(quiet=True)) == status


def test_the_slowed_copy_computes_the_same(copy_of: Copy, measured: Measured) -> None:
    copy = copy_of("numpy_float32")
    copy.write_text(copy.read_text(encoding="utf-8") + ADDED_WORK.format(n=1000), encoding="utf-8")

    assert measured(copy).verdict is Verdict.VERIFIED


def test_the_load_takes_about_a_third_of_a_core_that_it_has_for_itself() -> None:
    with busy(max(os.sched_getaffinity(0))) as cpu_s:
        start, start_s = time.monotonic(), cpu_s()
        time.sleep(1.5)
        share = (cpu_s() - start_s) / (time.monotonic() - start)

    assert 0.15 < share < 0.45


@pytest.mark.parametrize("sizes", [[0.1, 0.05], [0.02, 0.04, 0.05]])
def test_the_processes_that_measure_the_added_work_are_not_those_that_chose_it(
    sizes: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([*sizes, *[0.06, 0.07, 0.08, 0.09, 0.1]])
    monkeypatch.setattr(slowdown, "in_fresh_process", lambda *_, **__: next(found))

    copy = slowdown.slow_copy("numpy_float32", tmp_path, ())

    assert copy.sizes == (0.06, 0.07, 0.08, 0.09, 0.1)
    assert copy.size == 0.08
    assert f"range({copy.n_loops})" in copy.file.read_text(encoding="utf-8")


def test_the_load_ends_with_the_process_that_started_it() -> None:
    start = (
        "import os, subprocess, sys\n"
        f"command = [sys.executable, '-c', {LOAD!r}, '0', str(os.getpid())]\n"
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid)"
    )
    pid = int(subprocess.check_output([sys.executable, "-c", start], text=True))  # noqa: S603 - our own text
    deadline = time.monotonic() + 5
    try:
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
