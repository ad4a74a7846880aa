"""What a user may ask for, and what is taken where nothing is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.cases.implementations import discover
from benchmarks.cases.suites import SUITES
from benchmarks.pytest_plugin.options import Options

SILENCE: dict[str, Any] = {
    "suite": "default",
    "device": "all",
    "cores": 1,
    "baseline": "torch_eager",
    "worker_timeout": 120.0,
    **dict.fromkeys(("quick", "resume"), False),
    **dict.fromkeys(("impl", "problem", "precision", "rounds", "max_time")),
}


def read(**given: Any) -> Options:
    return Options.read((SILENCE | given).__getitem__)


@pytest.mark.parametrize(
    ("given", "max_time_s"),
    [
        ({}, SUITES["default"].max_time_s),
        ({"impl": ["jax_jit"]}, None),
        ({"problem": ["book"]}, None),
        ({"rounds": 9}, None),
        ({"suite": "named"}, None),
        ({"max_time": 60.0}, 60),
        ({"rounds": 9, "max_time": 60.0}, 60),
    ],
)
def test_the_default_suites_three_minutes_hold_for_nothing_else_and_a_budget_for_all(
    given: dict[str, Any], max_time_s: float | None
) -> None:
    assert read(**given).max_time_s == max_time_s


def test_cases_that_were_named_are_no_suites() -> None:
    assert read().suite == "default"
    assert read(suite="named", rounds=2).suite == "named"
    assert read(suite="named", impl=["jax_jit"]).suite is None


def test_the_suites_take_the_usual_programs_of_both_frameworks_whatever_other_files_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = discover()
    added: dict[str, dict[str, Any]] = {"mine": {"usual": False}, "mlx": {"framework": "mlx"}, "usual": {}}
    for name, changes in added.items():
        entries[name] = replace(entries["jax_scan"], name=name, **changes)
    monkeypatch.setattr("benchmarks.cases.suites.discover", lambda: entries)

    default = replace(SUITES["default"]).impls
    quick = replace(SUITES["quick"]).impls

    assert set(default) == {"torch_eager", "torch_step", "torch_epoch", "jax_jit", "jax_scan", "usual"}
    assert set(quick) == {"torch_eager", "torch_step", "jax_jit"}
