"""Every implementation, on every device it can run on, computes what the reference computes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pytest

from benchmarks.cases.implementations import REFERENCE_TIER, describe_all, select
from benchmarks.cases.unseen import COMBINATIONS
from benchmarks.records.row import Row, Verdict
from benchmarks.runner import launch, rounds
from benchmarks.runner.case import Case
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from impls.contract import DEVICES, Problem
from tests.conftest import NoProgress, skip_if_nothing_can_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from impls.contract import Device
    from tests.helpers.forks import Forks

TAIL = replace(COMBINATIONS[0], n_epochs=5)
SUPPORTED = "all that it supports, but for a precision"

# Each size is compiled, and again for each problem: so there are few of both.
FEW = {
    "many features, a stream, a ragged last batch of one, another learning rate": Problem(
        n_features=257,
        batch_size=16,
        n_batches=3,
        last_batch_size=1,
        n_epochs=5,
        data="stream",
        learning_rate=0.1,
    ),
    "a data set and a stopping rule": Problem(n_epochs=10, target_loss=0.3, max_loss_change=0.05),
    "strong saturation": Problem(feature_scale=100.0, seed=1),
    SUPPORTED: TAIL,
    "products in TF32": Problem(batch_size=32, n_batches=4, n_epochs=5, precision="tf32"),
    "products in bfloat16": Problem(n_features=256, n_batches=4, n_epochs=5, precision="bfloat16"),
}
MORE = {
    "one batch, one sample, one feature": Problem(n_features=1, batch_size=1, n_batches=1, n_epochs=5),
    "saturation": Problem(feature_scale=4.0, seed=5),
    "the loss on logits, fed from the host": replace(TAIL, loss="bce_with_logits", feed="host"),
    "each loss read back": Problem(n_epochs=5, readback="step"),
}
# These compile for seconds a size: test_torch_implementations, test_ranks and test_torch_aoti run the same
# steps without compiling them, and the first three are compiled in the tests with times.
COMPILED = ("torch_step", "torch_step_all_reduce", "torch_epoch")
AHEAD = ("torch_aoti", "torch_aoti_hand", "torch_aoti_onelog")


def names(*slow: str) -> list[Any]:
    """Return the implementations; tests of the slow ones are long."""
    marks = dict.fromkeys(slow, pytest.mark.long)
    timed = [each.name for each in describe_all() if each.tier != REFERENCE_TIER]
    return [pytest.param(name, marks=marks.get(name, ())) for name in timed]


Rows: TypeAlias = "dict[tuple[str, str], Row]"
"""By device and variant."""


class Measure(Protocol):
    def __call__(self, name: str, variants: Mapping[str, Problem], *, n_unseen: int) -> Rows:
        """Run an implementation on these problems, in a process for each device and precision."""


@pytest.fixture(scope="module")
def measure(tmp_path_factory: pytest.TempPathFactory, caches: Path, forks: Forks) -> Measure:
    """Run implementations as a run does that verifies and inspects, but times nothing."""

    def measure_(name: str, variants: Mapping[str, Problem], *, n_unseen: int) -> Rows:
        (entry,) = select([name])
        skip_if_nothing_can_run(entry)
        supported: dict[str, Any] = dict(
            each.split("=") for each in entry.supports if not each.startswith("precision=")
        )
        own = dict(variants) | ({SUPPORTED: replace(TAIL, **supported)} if SUPPORTED in variants else {})
        cases = {key: Case(entry, key[0], own[key[1]]) for key in product(DEVICES, own)}
        settings = Settings(
            rounds=0, cpus=choose_cpus(1), caches=caches, worker_timeout_s=600, n_unseen=n_unseen
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rounds, "PROBLEMS_PER_BLOCK", len(own))
            patch.setattr(launch, "subprocess", forks)
            results, _ = run_rounds(
                list(cases.values()), settings, tmp_path_factory.mktemp("workers"), NoProgress()
            )
        return {key: result.row() for key, result in zip(cases, results, strict=True)}

    return measure_


@pytest.fixture(scope="module", params=names(*COMPILED, *AHEAD))
def rows(request: pytest.FixtureRequest, measure: Measure) -> Rows:
    """Run one implementation on few problems, with unseen values of their own sizes."""
    return measure(request.param, FEW, n_unseen=0)


@pytest.fixture(scope="module", params=names())
def more_rows(request: pytest.FixtureRequest, measure: Measure) -> Rows:
    """Run one implementation on more problems, and on unseen ones."""
    return measure(request.param, MORE, n_unseen=1)


@pytest.mark.parametrize("variant", FEW)
@pytest.mark.parametrize("device", DEVICES)
def test_every_step_and_the_final_parameters_agree_with_the_reference(
    rows: Rows, device: Device, variant: str
) -> None:
    require_verified(rows[device, variant])


@pytest.mark.long
@pytest.mark.parametrize("variant", MORE)
@pytest.mark.parametrize("device", DEVICES)
def test_they_agree_on_more_problems(more_rows: Rows, device: Device, variant: str) -> None:
    require_verified(more_rows[device, variant])


def require_verified(row: Row) -> None:
    """Skip what can't be measured here, and check the rest."""
    if row.verdict is Verdict.NOT_MEASURED:
        pytest.skip(row.reason or "")
    assert row.verdict is Verdict.VERIFIED, row.reason
    assert row.agreement is not None


def test_the_stopping_rule_ends_the_training_after_some_epochs_and_before_the_last(
    rows: Rows,
) -> None:
    agreement = _on_cpu(rows, "a data set and a stopping rule").agreement

    assert agreement is not None
    assert 2 * 5 < agreement.n_steps < 10 * 5


def test_saturation_is_compared_in_float32(rows: Rows) -> None:
    agreement = _on_cpu(rows, "strong saturation").agreement

    assert agreement is not None
    assert agreement.reference == "float32"


def _on_cpu(rows: Rows, variant: str) -> Row:
    row = rows["cpu", variant]
    if row.verdict is Verdict.NOT_MEASURED:
        pytest.skip(row.reason or "")
    return row
