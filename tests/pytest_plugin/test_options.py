"""The options: what each one changes, and what holds without any."""

from __future__ import annotations

import argparse
from dataclasses import fields
from functools import partial

import pytest

from benchmarks.cases.implementations import discover
from benchmarks.cases.suites import QUICK, SUITES
from benchmarks.cli.main import main
from benchmarks.paths import CODE
from benchmarks.pytest_plugin.options import Options, declare, flag, read


def parse(*arguments: str) -> Options:
    """Read the options as the command line does."""
    parser = argparse.ArgumentParser()
    declare(Options, parser.add_argument)
    return read(Options, partial(getattr, parser.parse_args(arguments)))


def table_below(heading: str) -> list[list[str]]:
    """Read the cells of the rows of a table in docs/running.md."""
    page = (CODE / "docs" / "running.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]


def max_time_s(*arguments: str) -> float | None:
    return parse(*arguments).settings((0,), timed=True).max_time_s


def test_without_arguments_the_fields_have_their_declared_defaults() -> None:
    assert parse() == Options()


def test_each_option_sets_the_field_of_its_name() -> None:
    given = parse("--impl=a", "--impl=b", "--cores=2", "--worker-timeout=3", "--resume", "--max-time=4.5")

    assert given == Options(impl=["a", "b"], cores=2, worker_timeout=3.0, resume=True, max_time=4.5)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], SUITES["default"].max_time_s),
        (["--impl=jax_jit"], None),
        (["--problem=book"], None),
        (["--rounds=9"], None),
        (["--suite=named"], None),
        (["--quick"], None),
        (["--max-time=60"], 60),
        (["--rounds=9", "--max-time=60"], 60),
    ],
)
def test_the_default_suites_time_limit_is_for_that_suite_only_and_max_time_for_all(
    arguments: list[str], expected: float | None
) -> None:
    assert max_time_s(*arguments) == expected


def test_a_quick_run_has_one_round_whatever_rounds_says() -> None:
    assert parse("--quick", "--rounds=9").settings((0,), timed=True).rounds == QUICK.rounds == 1
    assert parse("--rounds=9").settings((0,), timed=True).rounds == 9


def test_chosen_cases_are_recorded_without_a_suites_name() -> None:
    assert parse().suite_name == "default"
    assert parse("--quick").suite_name == "quick"
    assert parse("--suite=named", "--rounds=2").suite_name == "named"
    assert parse("--suite=named", "--impl=jax_jit").suite_name is None


@pytest.mark.parametrize("call", [["--suite=quick"], ["--worker-time=3"], ["--rounds=1.5"], ["--cores=0"]])
def test_a_value_out_of_range_and_an_option_cut_short_are_refused(call: list[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(["run", *call])


def test_the_short_suites_name_usual_programs_of_both_frameworks_and_quick_those_of_default_or_fewer() -> (
    None
):
    entries = discover()

    for suite in (QUICK, SUITES["default"]):
        chosen = [entries[name] for name in suite.impls]
        assert {each.framework for each in chosen} == {"torch", "jax"}
        assert all(each.usual for each in chosen)
    assert set(QUICK.impls) < set(SUITES["default"].impls)


def test_the_page_lists_every_option_with_its_help() -> None:
    declared = [
        [f"`{flag(each)}`", each.metadata["help"] % {"default": each.default}] for each in fields(Options)
    ]

    assert table_below("Options") == declared


def test_the_page_lists_every_suite_with_its_summary() -> None:
    declared = {"--quick": QUICK, **{f"--suite {name}": suite for name, suite in SUITES.items()}}

    assert table_below("Suites") == [[f"`{name}`", suite.summary] for name, suite in declared.items()]
