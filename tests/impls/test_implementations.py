"""Every implementation, on every device it can run on, computes what the reference computes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import select
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
    from pathlib import Path

    from impls.contract import Device
    from tests.helpers.forks import Forks

# Each size is compiled: so most variants have the book's, or that of the unseen problems.
VARIANTS = {
    "many features, a stream, a ragged last batch of one, another learning rate": Problem(
        n_features=257,
        batch_size=16,
        n_batches=3,
        last_batch_size=1,
        n_epochs=5,
        data="stream",
        learning_rate=0.1,
    ),
    "one batch, one sample, one feature": Problem(n_features=1, batch_size=1, n_batches=1, n_epochs=5),
    "a data set and a stopping rule": Problem(n_epochs=200, target_loss=0.3, max_loss_change=0.05),
    "saturation": Problem(feature_scale=4.0, seed=5),
    "strong saturation": Problem(feature_scale=100.0, seed=1),
    "the loss on logits, fed from the host": replace(
        COMBINATIONS[0], n_epochs=5, loss="bce_with_logits", feed="host"
    ),
    "each loss read back": Problem(n_epochs=5, readback="step"),
    "products in TF32": Problem(batch_size=32, n_batches=4, n_epochs=5, precision="tf32"),
    "products in bfloat16": Problem(n_features=256, n_batches=4, n_epochs=5, precision="bfloat16"),
}
NAMES = [
    # These compile for seconds; test_torch_aoti runs the same steps without compiling them.
    pytest.param(entry.name, marks=pytest.mark.long) if entry.name.startswith("torch_aoti") else entry.name
    for entry in select(())
]


@pytest.fixture(scope="module", params=NAMES)
def rows(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, caches: Path, forks: Forks
) -> dict[tuple[str, str], Row]:
    """Run one implementation on all variants and devices, in a process for each device and precision."""
    (entry,) = select([request.param])
    skip_if_nothing_can_run(entry)
    cases = {
        (device, name): Case(entry, device, problem)
        for device in DEVICES
        for name, problem in VARIANTS.items()
    }
    settings = Settings(rounds=0, cpus=choose_cpus(1), caches=caches, worker_timeout_s=600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "PROBLEMS_PER_BLOCK", len(VARIANTS))
        patch.setattr(launch, "subprocess", forks)
        results, _ = run_rounds(
            list(cases.values()), settings, tmp_path_factory.mktemp("workers"), NoProgress()
        )
    return {key: result.row() for key, result in zip(cases, results, strict=True)}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("device", DEVICES)
def test_every_step_and_the_final_parameters_agree_with_the_reference(
    rows: dict[tuple[str, str], Row], device: Device, variant: str
) -> None:
    row = rows[device, variant]
    if row.verdict is Verdict.NOT_MEASURED:
        pytest.skip(row.reason or "")

    assert row.verdict is Verdict.VERIFIED, row.reason
    assert row.agreement is not None


def test_the_stopping_rule_ends_the_training_after_some_epochs_and_before_the_last(
    rows: dict[tuple[str, str], Row],
) -> None:
    agreement = _on_cpu(rows, "a data set and a stopping rule").agreement

    assert agreement is not None
    assert 2 * 5 < agreement.n_steps < 200 * 5


def test_saturation_is_compared_in_float32(rows: dict[tuple[str, str], Row]) -> None:
    agreement = _on_cpu(rows, "saturation").agreement

    assert agreement is not None
    assert agreement.reference == "float32"


def _on_cpu(rows: dict[tuple[str, str], Row], variant: str) -> Row:
    row = rows["cpu", variant]
    if row.verdict is Verdict.NOT_MEASURED:
        pytest.skip(row.reason or "")
    return row
