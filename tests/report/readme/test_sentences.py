"""The README's figures are those of its records, and its sentences agree with them."""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.decision_map import decision_maps
from benchmarks.analysis.figures import rows_by_group
from benchmarks.analysis.head_to_head import lines_of
from benchmarks.cases.problems import NAMED
from benchmarks.paths import CODE
from benchmarks.records.run import read_run
from benchmarks.report.readme.project import README, TABLE, named_lines, renewed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.analysis.head_to_head import LikeForLike, Line
    from benchmarks.records.run import Run

GPU = CODE / "docs" / "gpu.md"


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
    """Return the pairs with the frameworks' gradients that the README's first table shows."""
    found = derived(named_lines(the_readmes_run(), "cpu"))
    assert all(found.values())
    assert len(found) == len(NAMED)
    return found


def derived(groups: Mapping[str, Iterable[Line]]) -> dict[str, list[LikeForLike]]:
    """Return the pairs whose gradients the frameworks derive."""
    return {
        group: [line.pair for line in lines if line.pair and not line.by_hand]
        for group, lines in groups.items()
    }


def says(words: str, page: Path = README) -> bool:
    return words in " ".join(page.read_text(encoding="utf-8").split())


def winners(pairs: Mapping[str, Iterable[LikeForLike]], tier: str) -> dict[str, str | None]:
    """Return the faster framework of a tier, or None, by the problem's name."""
    return {
        name.partition("-")[0]: each.winner
        for name, group in pairs.items()
        for each in group
        if each.torch.tier == tier
    }


def test_each_tier_has_the_winners_that_the_readme_names(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("With whole epochs in one call, PyTorch is faster on `book` and JAX on `large`; `small` and")
    assert says("`small` and `wide` are inconclusive.")
    assert says("With one call for each step, JAX is faster; `wide` is inconclusive.")
    assert says("When neither compiles (*eager*), PyTorch is faster.")
    assert winners(pairs, "epoch") == {"book": "PyTorch", "small": None, "large": "JAX", "wide": None}
    assert winners(pairs, "step") == {"book": "JAX", "small": "JAX", "large": "JAX", "wide": None}
    assert set(winners(pairs, "eager").values()) == {"PyTorch"}


def test_whole_epochs_are_as_far_from_the_floor_as_the_readme_says() -> None:
    assert says(
        "By their fastest epochs, both take 1.2 to 2.4 times as long as the floor, the same loop in C;"
    )
    assert says("the same loop in C; by hand, up to 2.9 times.")
    distances: dict[bool, list[float]] = {True: [], False: []}  # by whether the gradient is by hand
    for line in chain.from_iterable(named_lines(the_readmes_run(), "cpu").values()):
        if line.tier == "epoch":
            assert line.pair
            found = line.pair.torch.times_floor, line.pair.jax.times_floor
            distances[line.by_hand] += [each or math.inf for each in found]
    assert extremes(distances[False]) == (1.2, 2.4)
    assert extremes(distances[True])[1] == 2.9


def extremes(values: Iterable[float], digits: int = 1) -> tuple[float, float]:
    """Return the smallest and the largest, rounded."""
    ordered = sorted(values)
    return round(ordered[0], digits), round(ordered[-1], digits)


def test_the_second_processor_agrees_on_steps_and_eager_loops() -> None:
    assert says("A second CPU model agrees on steps and eager loops, and there JAX is faster on `wide`, too.")
    other = read_run(CODE / "results" / "runs" / "20261126T151300Z.json")
    assert other.provenance.host.cpu != the_readmes_run().provenance.host.cpu
    found = derived(named_lines(other, "cpu"))
    assert winners(found, "step") == dict.fromkeys(NAMED, "JAX")
    assert winners(found, "eager") == dict.fromkeys(NAMED, "PyTorch")
    assert says("Its whole epochs were measured before the implementations that are the fastest now.")
    fastest = {"torch_aoti_onelog", "jax_scan_fused"}
    assert fastest <= {row.implementation for row in the_readmes_run().rows}
    assert not fastest & {row.implementation for row in other.rows}


def test_both_frameworks_get_faster_as_one_call_covers_more_work(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("Both frameworks get faster as one call covers more work, because a step this small")
    for group in pairs.values():
        for ways in ([each.torch for each in group], [each.jax for each in group]):
            assert [way.tier for way in ways] == ["epoch", "step", "eager"]
            assert all((less.typical_s or math.inf) < (more.typical_s or 0) for less, more in pairwise(ways))


def test_on_large_the_same_steps_in_one_call_gain_nothing() -> None:
    assert says(
        "On `large`, this alone gains nothing: the fastest epochs there also fuse a step's arithmetic."
    )
    rows = rows_by_group(the_readmes_run())["large-B100000-D2-N5-E12 on cpu"]
    for epoch, step in (("torch_epoch", "torch_step"), ("jax_scan", "jax_jit")):
        assert (rows[epoch].typical_s or 0) > (rows[step].typical_s or math.inf)


def test_compiling_takes_pytorch_seconds_and_jax_less(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("With the frameworks' gradients, JAX's first call takes less than half a second.")
    assert says("PyTorch's takes 1.7 to 2.8 seconds for a step, and 11 to 20 seconds for the fastest epoch")
    assert says("a new process's first call takes 4 to 35 ms in the median; in JAX, 50 to 82 ms.")
    compiled = [each for group in pairs.values() for each in group if each.torch.tier != "eager"]
    assert max(each.jax.cold_s or 1 for each in compiled) < 0.5
    steps, epochs = ([each for each in compiled if each.torch.tier == tier] for tier in ("step", "epoch"))
    assert extremes(each.torch.cold_s or math.inf for each in steps) == (1.7, 2.8)
    assert extremes((each.torch.cold_s or math.inf for each in epochs), 0) == (11, 20)
    assert extremes((each.torch.warm_s or math.inf for each in epochs), 3) == (0.004, 0.035)
    assert extremes((each.jax.warm_s or math.inf for each in epochs), 3) == (0.05, 0.082)


def test_on_the_gpu_the_frameworks_are_as_far_apart_as_the_page_says() -> None:
    assert says("| `book` | PyTorch, 1.3 times | PyTorch, 1.6 times |", GPU)
    assert says("| `small` | JAX, 1.2 times | PyTorch, 2.8 times |", GPU)
    assert says(
        "| `large` | PyTorch, 1.5 times | inconclusive (by the typical steps: PyTorch, 1.6 times) |", GPU
    )
    assert says(
        "| million | JAX, 1.5 times (by the typical epochs: 1.3 times) | JAX, 1.9 times (by the typical", GPU
    )
    assert says("40 times as long on `book`, 77 times on `small`, 26 times on `large`.", GPU)
    assert says(
        "For an epoch in one call, PyTorch is faster on `book` and `large`, and JAX on `small`. For a step in"
    )
    assert says(
        "For a step in one call, PyTorch is faster on `book` and `small`, and `large` is inconclusive."
    )
    pairs = derived(lines_of(the_gpus_run()))
    book, small, large, million = (pairs[f"{name} on cuda"] for name in GPU_PROBLEMS)

    def found(group: list[LikeForLike]) -> list[tuple[str, str | None, float, float]]:
        return [
            (each.torch.tier, each.winner, round(each.advantage.value, 1), round(each.typical.value, 1))
            for each in group
        ]

    assert found(book) == [("epoch", "PyTorch", 1.3, 0.6), ("step", "PyTorch", 1.6, 0.4)]
    assert found(small) == [("epoch", "JAX", 1.2, 1.2), ("step", "PyTorch", 2.8, 0.3)]
    assert found(large) == [("epoch", "PyTorch", 1.5, 0.6), ("step", None, 1.0, 0.6)]
    assert found(million) == [("epoch", "JAX", 1.5, 1.3), ("step", "JAX", 1.9, 1.1)]
    assert round(1 / large[1].typical.value, 1) == 1.6
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
