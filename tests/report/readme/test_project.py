"""The README's figures are a record's, and what it says of them in words is so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.decision_map import decision_maps
from benchmarks.analysis.figures import rows_by_group
from benchmarks.analysis.head_to_head import like_for_like
from benchmarks.cases.problems import NAMED
from benchmarks.errors import UsageError
from benchmarks.paths import CODE
from benchmarks.records.run import read_run
from benchmarks.report.readme import project
from benchmarks.report.readme.project import (
    README,
    TABLE,
    main,
    named_pairs,
    renewed,
)
from tests.helpers.records import document_of, process, row, run_of
from tests.helpers.runs import elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.analysis.head_to_head import LikeForLike
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from impls.contract import Problem

GPU = CODE / "docs" / "gpu.md"
PAGE = "# Ours\n\n<!-- table: cpu, {file} -->\nreplaced\n<!-- end of table -->\n\nmore\n"


def pair(torch_s: float, jax_s: float, problem: Problem = NAMED["book"], tier: str = "step") -> list[Row]:
    return [
        row(
            f"{framework}_{tier}",
            framework=framework,
            tier=tier,
            problem=problem,
            processes=tuple(process(i, time_s, time_s) for i in range(6)),
        )
        for framework, time_s in (("torch", torch_s), ("jax", jax_s))
    ]


def record(
    folder: Path,
    *rows: Row,
    cpu: str = "A CPU",
    name: str = "run.json",
    interrupted: str | None = None,
) -> Path:
    run = run_of(*rows, interrupted=interrupted)
    path = folder / name
    run = replace(run, provenance=elsewhere(run.provenance, cpu=cpu))
    path.write_text(json.dumps(document_of(run)), encoding="utf-8")
    return path


def test_the_readmes_figures_are_those_of_the_records_that_it_names() -> None:
    page = README.read_text(encoding="utf-8")

    assert renewed(page) == page, "python -m benchmarks.report.readme.project writes them"


@cache
def the_readmes_run() -> Run:
    """Read the record of the README's first table."""
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found
    return read_run(CODE / found["file"])


@pytest.fixture(scope="module")
def pairs() -> dict[str, list[LikeForLike]]:
    """Give what the README's first table shows."""
    return named_pairs(the_readmes_run(), "cpu")


def says(words: str, page: Path = README) -> bool:
    return words in " ".join(page.read_text(encoding="utf-8").split())


def test_jax_is_faster_where_both_compile_and_pytorch_where_neither_does(
    pairs: dict[str, list[LikeForLike]],
) -> None:
    assert says(
        "When both compile (tiers *epoch* and *step*), JAX is faster, even if its implementation with"
    )
    assert says(
        "with a hand-derived gradient is left out. When neither compiles (*eager*), PyTorch is faster."
    )
    derived = like_for_like(the_readmes_run(), by_hand=False)
    for each in (each for group in pairs for each in (*pairs[group], *derived[group])):
        assert each.winner == ("PyTorch" if each.tier == "eager" else "JAX"), (each.torch.group, each.tier)


def test_the_second_processor_agrees_except_for_whole_epochs_of_wide() -> None:
    assert says("A second processor agrees, except for whole epochs of `wide`, where the comparison is")
    assert says("the comparison is inconclusive.")
    other = read_run(CODE / "results" / "runs" / "20261124T042559Z.json")
    assert other.provenance.cpu != the_readmes_run().provenance.cpu
    for each in (each for group in named_pairs(other, "cpu").values() for each in group):
        told = None if each.torch.group.startswith("wide") and each.tier == "epoch" else "JAX"
        assert each.winner == ("PyTorch" if each.tier == "eager" else told), (each.torch.group, each.tier)


def test_both_frameworks_get_faster_as_one_call_covers_more_work(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("Both frameworks get faster as one call covers more work, because a step this small")
    for group in pairs.values():
        for ways in ([each.torch for each in group], [each.jax for each in group]):
            times_s = [way.typical_s or 0 for way in ways]
            assert [way.tier for way in ways] == ["epoch", "step", "eager"]
            assert times_s == sorted(times_s)


def test_compiling_takes_pytorch_seconds_and_jax_less(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says(
        "The first call takes one to three seconds in PyTorch, and about a quarter of a second in JAX."
    )
    for each in (each for group in pairs.values() for each in group if each.tier != "eager"):
        assert 1 < (each.torch.cold_s or 0) < 3
        assert 0.2 < (each.jax.cold_s or 0) < 0.32


@pytest.mark.parametrize("problem", ["B10000-D256-N5-E12", "B1000-D4096-N5-E12"])
def test_two_larger_problems_reverse_the_order(problem: str) -> None:
    assert says("256 features with batches of 10,000, and 4,096 features with batches of 1,000. There eager")
    assert says("PyTorch is faster than every compiled PyTorch and JAX implementation except `jax_jit` ([all")
    rows = rows_by_group(a_sweep())[f"{problem} on cpu"]
    compiled = {name for name, row in rows.items() if row.is_timed and row.tier in ("step", "epoch")}
    eager_s = [rows[name].typical_s for name in ("torch_eager", "torch_eager_fused")]
    assert {name for name in compiled if rows[name].typical_s <= max(eager_s)} == {"jax_jit"}


@cache
def a_sweep() -> Run:
    return read_run(CODE / "results" / "runs" / "20261126T152228Z.json")


def test_on_the_gpu_the_ways_are_as_far_apart_as_the_page_says() -> None:
    assert says(
        "| `book` | inconclusive (by the typical epochs: PyTorch, 1.4 times) | PyTorch, 1.6 times |", GPU
    )
    assert says("| `small` | JAX, 1.2 times | PyTorch, 2.8 times |", GPU)
    assert says(
        "| `large` | PyTorch, 1.5 times | inconclusive (by the typical steps: PyTorch, 1.6 times) |", GPU
    )
    assert says("| million | JAX, 1.4 times | JAX, 1.9 times (by the typical steps: 1.1 times) |", GPU)
    assert says("40 times as long on `book`, 77 times on `small`, 26 times on `large`.", GPU)
    assert says(
        "For an epoch in one call, PyTorch is faster on `large` and JAX on `small`. For a step in one call,"
    )
    assert says(
        "in one call, PyTorch is faster on `book` and `small`. The other two comparisons are inconclusive."
    )
    pairs = like_for_like(the_gpus_run())
    book, small, large, million = (pairs[f"{name} on cuda"] for name in GPU_PROBLEMS)

    def found(group: list[LikeForLike]) -> list[tuple[str, str | None, float, float]]:
        return [
            (each.tier, each.winner, round(each.advantage.value, 1), round(each.typical.value, 1))
            for each in group
        ]

    assert found(book) == [("epoch", None, 1.1, 0.7), ("step", "PyTorch", 1.6, 0.4)]
    assert found(small) == [("epoch", "JAX", 1.2, 1.2), ("step", "PyTorch", 2.8, 0.3)]
    assert found(large) == [("epoch", "PyTorch", 1.5, 0.7), ("step", None, 1.0, 0.6)]
    assert found(million) == [("epoch", "JAX", 1.4, 1.4), ("step", "JAX", 1.9, 1.1)]
    assert [round(1 / each.typical.value, 1) for each in (book[0], large[1])] == [1.4, 1.6]
    assert [round(group[0].torch.speedup or 0) for group in (book, small, large)] == [40, 77, 26]


TEXTBOOKS = {"torch_cudagraph_step", "torch_cudagraph_epoch"}
GPU_PROBLEMS = (
    *("book-B1000-D2-N5-E12", "small-B32-D2-N100-E12", "large-B100000-D2-N5-E12"),
    "B1000000-D2-N5-E12",
)


def test_on_the_gpu_compiling_takes_hundreds_of_epochs_to_pay_and_capturing_a_few() -> None:
    assert says("Compilation takes hundreds of short epochs to pay off, a captured CUDA graph at most ten.")
    assert says("after 400 to 1,800 epochs of five steps, or after 11 to 27 epochs of a hundred steps.", GPU)
    assert says(
        "capture the textbook's steps in a CUDA graph take less time in total after one to ten epochs.", GPU
    )
    captured: list[int] = []
    compiled: dict[bool, list[int]] = {True: [], False: []}  # by whether an epoch has a hundred steps
    for pair in break_evens(the_gpus_run().rows):
        n_epochs = pair.n_epochs_cold
        if pair.slower == "torch_eager" and pair.faster != "torch_eager_fused":
            assert n_epochs, pair
            is_long = "-N100-" in pair.problem
            (captured if pair.faster in TEXTBOOKS else compiled[is_long]).append(n_epochs)
    assert (min(captured), max(captured)) == (1, 10)
    assert (round(min(compiled[False]), -2), round(max(compiled[False]), -2)) == (400, 1800)
    assert (min(compiled[True]), max(compiled[True])) == (11, 27)


def test_on_the_gpu_a_captured_textbook_finishes_first_for_as_long_as_the_page_says() -> None:
    assert says("the first to finish any training of ten to 8,000 epochs of five steps", GPU)
    cold, _ = decision_maps(the_gpus_run().rows)
    for batch_size in (1000, 100_000, 1_000_000):
        assert {cold.winner(batch_size, n_epochs) for n_epochs in (10, 100, 1000, 8000)} <= TEXTBOOKS


def the_gpus_run() -> Run:
    found = re.search(r"<!-- table: cuda, (\S+) -->", README.read_text(encoding="utf-8"))
    assert found
    return read_run(CODE / found[1])


def test_a_table_holds_the_frameworks_against_each_other_and_says_where_it_was_measured(
    tmp_path: Path,
) -> None:
    path = record(
        tmp_path, *pair(100e-6, 50e-6), *pair(90e-6, 91e-6, NAMED["wide"]), *pair(1, 2, row().problem)
    )

    page = renewed(PAGE.format(file=path))

    lines = [re.sub(r"\s+", " ", line) for line in page.splitlines() if line.startswith("| ")]
    assert lines[2] == "| **book** | step | torch_step 100 µs | jax_step 50.0 µs | **JAX**, 2× (2 to 2) |"
    assert "| **wide** | step |" in lines[3]
    assert len(lines) == 4
    assert "1 core of A CPU, 6 rounds" in page
    assert page.startswith("# Ours\n")
    assert page.endswith("\n\nmore\n")
    assert "replaced" not in page


def test_where_problems_were_measured_in_different_numbers_of_rounds_both_are_told(tmp_path: Path) -> None:
    short = [replace(each, processes=each.processes[:4]) for each in pair(90e-6, 91e-6, NAMED["wide"])]

    page = renewed(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), *short)))

    assert "4 to 6 rounds of fresh processes" in page


def test_an_interrupted_run_is_told_as_such_below_its_table(tmp_path: Path) -> None:
    whole = PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6)))
    cut = PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), name="cut.json", interrupted="Ctrl-C *"))

    assert "INTERRUPTED" not in renewed(whole)
    assert r"**INTERRUPTED (Ctrl-C \*): some rounds are missing.** 1 core of A CPU" in renewed(cut)


def test_a_table_moves_to_a_newer_record_that_has_named_problems(tmp_path: Path) -> None:
    old = record(tmp_path, *pair(100e-6, 50e-6), name="old.json")
    other = record(tmp_path, row("torch_eager"), name="other.json")
    new = record(tmp_path, *pair(80e-6, 50e-6), name="new.json")

    page = renewed(PAGE.format(file=old), [other, new])

    assert "torch_step 80.0 µs" in " ".join(page.split())
    assert "new.json -->" in page
    assert renewed(page) == page


def test_a_record_can_put_nothing_into_the_readme_but_text(tmp_path: Path) -> None:
    path = record(tmp_path, *pair(100e-6, 50e-6), cpu="<b>[x](y)</b> -->\n| a |")

    page = renewed(PAGE.format(file=path))

    assert "<b>" not in page
    assert r"\[x\](y)" in page
    assert "\n| a |" not in page
    assert renewed(page) == page


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("# Ours\n", r"README\.md: expected a line <!-- table: cpu, .* found none"),
        (PAGE, "expected both frameworks on named problems on cpu, found none; name another"),
        (PAGE.replace("cpu", "cuda"), "on named problems on cuda, found none"),
        (PAGE.replace("{file}", "no/such.json"), "no/such.json"),
    ],
)
def test_a_table_without_a_record_for_it_is_refused_in_words(page: str, message: str, tmp_path: Path) -> None:
    path = record(tmp_path, row("torch_eager"))

    with pytest.raises(UsageError, match=message):
        renewed(page.format(file=path))


def test_the_command_writes_the_page_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    monkeypatch.setattr(project, "README", page)
    page.write_text(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6))), encoding="utf-8")

    assert main([]) == 0
    assert "100 µs" in " ".join(page.read_text(encoding="utf-8").split())

    page.write_text("nothing", encoding="utf-8")
    assert main([]) == 4
    assert "found none" in capsys.readouterr().err
