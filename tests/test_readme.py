"""The README's figures are a record's, and what it says of them in words is so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmarks import readme
from benchmarks.by_hand import BY_HAND
from benchmarks.decision_map import decision_maps
from benchmarks.errors import UsageError
from benchmarks.launch import ROOT
from benchmarks.like_for_like import like_for_like
from benchmarks.model import break_evens
from benchmarks.problems import NAMED
from benchmarks.readme import README, TABLE, main, named_pairs, renewed
from benchmarks.record import read_run
from tests.test_record import document_of, process, row, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.like_for_like import LikeForLike
    from benchmarks.record import Row, Run
    from impls.contract import Problem

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
    run = replace(run, provenance=replace(run.provenance, cpu=cpu))
    path.write_text(json.dumps(document_of(run)), encoding="utf-8")
    return path


def test_the_readmes_figures_are_those_of_the_records_that_it_names() -> None:
    page = README.read_text(encoding="utf-8")

    assert renewed(page) == page, "python -m benchmarks.readme writes them"


@cache
def the_readmes_run() -> Run:
    """Read the record of the README's first table."""
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found
    return read_run(ROOT / found["file"])


@pytest.fixture(scope="module")
def pairs() -> dict[str, list[LikeForLike]]:
    """Give what the README's first table shows."""
    return named_pairs(the_readmes_run(), "cpu")


def says(words: str) -> bool:
    return words in " ".join(README.read_text(encoding="utf-8").split())


def test_where_both_compile_jax_is_faster_and_where_neither_does_pytorch(
    pairs: dict[str, list[LikeForLike]],
) -> None:
    assert says("Where both compile, JAX is faster, also where both derive the gradient themselves;")
    assert says("where neither does, PyTorch is.")
    derived = like_for_like(the_readmes_run(), without=BY_HAND)
    for each in (each for group in pairs for each in (*pairs[group], *derived[group])):
        assert each.winner == ("PyTorch" if each.tier == "eager" else "JAX"), (each.torch.group, each.tier)


def test_on_the_other_processor_it_is_so_too_but_for_the_epoch_of_wide() -> None:
    assert says("(On the other processor measured it is so too, but for the epoch of `wide`, of which")
    other = read_run(ROOT / "results" / "runs" / "20261124T042559Z.json")
    assert other.provenance.cpu != the_readmes_run().provenance.cpu
    for each in (each for group in named_pairs(other, "cpu").values() for each in group):
        told = None if each.torch.group.startswith("wide") and each.tier == "epoch" else "JAX"
        assert each.winner == ("PyTorch" if each.tier == "eager" else told), (each.torch.group, each.tier)


def test_the_more_one_call_hands_over_the_faster(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("the more one call hands over, the faster, in both frameworks, for a step this small")
    for group in (group for name, group in pairs.items() if name.startswith(("book", "small"))):
        for ways in ([each.torch for each in group], [each.jax for each in group]):
            times_s = [way.typical_s or 0 for way in ways]
            assert [way.tier for way in ways] == ["epoch", "step", "eager"]
            assert times_s == sorted(times_s)


def test_compiling_takes_pytorch_seconds_and_jax_less(pairs: dict[str, list[LikeForLike]]) -> None:
    assert says("must first earn its first call back, in PyTorch seconds")
    for each in (each for group in pairs.values() for each in group if each.tier != "eager"):
        assert (each.torch.cold_s or 0) > 1 > (each.jax.cold_s or 0)


def test_on_the_gpu_the_ways_are_as_far_apart_as_the_readme_says() -> None:
    assert says("are at most 1.2 times apart by their fastest epochs up to batches of 100,000, 1.3 times by")
    assert says("per epoch 1.8 times by the fastest epochs, 1.7 by the typical ones, per step 2.1 and 1.4.")
    assert says("takes 28 times as long as the graph of compiled steps on `book`, 20 times on `large`.")
    groups = {pairs[0].torch.batch_size: pairs for pairs in like_for_like(the_gpus_run()).values()}
    (*_, largest), epochs = sorted(groups), [groups[size][0] for size in sorted(groups)[:-1]]
    assert largest == 1_000_000
    assert {each.tier for each in epochs} == {"epoch"}
    assert round(max(each.advantage.value for each in epochs), 1) == 1.2
    assert round(max(max(each.typical_ratio, 1 / each.typical_ratio) for each in epochs), 1) == 1.3
    assert any(each.is_doubtful for each in epochs)
    assert [
        (each.tier, each.winner, round(each.advantage.value, 1), round(each.typical_ratio, 1))
        for each in groups[largest]
    ] == [("epoch", "JAX", 1.8, 1.7), ("step", "JAX", 2.1, 1.4)]
    assert [round(groups[size][0].torch.speedup or 0) for size in (1000, 100_000)] == [28, 20]


TEXTBOOKS = {"torch_cudagraph_step", "torch_cudagraph_epoch"}


def test_on_the_gpu_compiling_takes_hundreds_of_epochs_to_pay_and_capturing_a_few() -> None:
    assert says("what compiles must run for 400 to 1,700 epochs to earn a cold first call back,")
    assert says("what captures the textbook's steps for two to eight")
    cold = {
        (pair.faster, pair.problem): pair.n_epochs_cold
        for pair in break_evens(the_gpus_run().rows)
        if pair.slower == "torch_eager"
    }
    captured = [n or 0 for (name, _), n in cold.items() if name in TEXTBOOKS]
    others = [n or 0 for (name, _), n in cold.items() if name not in TEXTBOOKS]
    assert (min(captured), max(captured)) == (2, 8)
    assert (round(min(others), -2), round(max(others), -2)) == (400, 1700)


def test_on_the_gpu_a_captured_textbook_finishes_first_for_as_long_as_the_readme_says() -> None:
    assert says(
        "with cold caches a graph of those is the first to finish any training of ten up to 9,000 epochs"
    )
    cold, _ = decision_maps(the_gpus_run().rows)
    for batch_size in (1000, 10_000, 100_000, 1_000_000):
        assert {cold.winner(batch_size, n_epochs) for n_epochs in (10, 100, 1000, 9000)} <= TEXTBOOKS


def the_gpus_run() -> Run:
    found = re.search(r"<!-- table: cuda, (\S+) -->", README.read_text(encoding="utf-8"))
    assert found
    return read_run(ROOT / found[1])


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
    monkeypatch.setattr(readme, "README", page)
    page.write_text(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6))), encoding="utf-8")

    assert main([]) == 0
    assert "100 µs" in " ".join(page.read_text(encoding="utf-8").split())

    page.write_text("nothing", encoding="utf-8")
    assert main([]) == 4
    assert "found none" in capsys.readouterr().err
