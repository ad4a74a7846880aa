"""Records that contradict themselves, or hold a value that nothing has: refused with the field's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.errors import UsageError
from benchmarks.records.run import read_run
from tests.helpers.runs import edited, first_process

if TYPE_CHECKING:
    from pathlib import Path


def _with_process(name: str, value: object) -> str:
    return edited(lambda fields: first_process(fields).update({name: value}))


IMPOSSIBLE: dict[str, tuple[str, str]] = {
    "verified with a check that does not hold": (
        edited(lambda fields: fields["checks"][0].update(holds=False)),
        "rows[0]: manifest: expected no fault of a verified row, found ['graph breaks",
    ),
    "verified and too far from the reference": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(max_loss_deviation=1e-3)),
        "rows[0]: agreement.max_loss_deviation: expected at most 2.5e-05 of a verified row, found 0.001",
    ),
    "verified with parameters too far from the reference": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(max_parameter_deviation=1.0)),
        "agreement.max_parameter_deviation: expected at most 0.0001",
    ),
    "verified with a fault": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(fault="wrong")),
        "agreement.fault: expected none of a verified row, found 'wrong'",
    ),
    "verified without an agreement": (
        edited(lambda fields: fields["rows"][0].update(agreement=None)),
        "agreement: expected one of a verified row",
    ),
    "verified with a reason": (
        edited(lambda fields: fields["rows"][0].update(reason="wrong")),
        "reason: expected none of a verified row",
    ),
    "invalid without a reason": (
        edited(lambda fields: fields["rows"][0].update(verdict="INVALID", processes=[])),
        "reason: expected why it is INVALID, found None",
    ),
    "invalid with times": (
        edited(lambda fields: fields["rows"][0].update(verdict="INVALID", reason="wrong")),
        "processes: expected none of an INVALID row, found 6",
    ),
    "more steps than there are": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(n_steps=13)),
        "agreement.n_steps: expected 1 to 12, found 13",
    ),
    "a reference of no precision": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(reference="float3")),
        "agreement.reference: expected 'float64' or 'float32', found 'float3'",
    ),
    **{
        f"a process with {name} of {value}": (
            _with_process(name, value),
            f"{name}: expected",
        )
        for name, value in (
            ("round", -1),
            ("position", -1),
            ("n_samples", 0),
            ("n_kept", -1),
            ("n_kept", 11),
            ("cpu_per_wall", -1e308),
            ("cpu_per_wall", True),
            ("power_w", -1.0),
            ("mean_s", 1.0),
        )
    },
    "a batch of 1.5": (
        edited(lambda fields: fields["rows"][0]["problem"].update(batch_size=1.5)),
        "problem.batch_size: expected a whole number, found 1.5",
    ),
    "a batch of 400 digits": (
        edited(lambda fields: fields["rows"][0]["problem"].update(batch_size=10**400)),
        "problem.batch_size: expected a whole number, found 1",
    ),
    "a batch beyond every memory": (
        edited(lambda fields: fields["rows"][0]["problem"].update(batch_size=10**18 + 1)),
        "Problem.batch_size: expected at least 1 and at most 1e+18",
    ),
    "a negative CPU": (
        edited(lambda fields: fields["provenance"]["hosts"][0].update(pinned_to=[-1])),
        "pinned_to[0]: expected a whole number from 0",
    ),
    "a negative number of rounds": (
        edited(lambda fields: fields["settings"].update(rounds=-1)),
        "settings.rounds: expected a whole number from 0",
    ),
    "a day that is none": (
        edited(lambda fields: fields["provenance"].update(date="yesterday")),
        "date of the run in ISO 8601, found 'yesterday'",
    ),
    "true for a version": (edited(lambda fields: fields.update(schema_version=True)), "found True"),
}


@pytest.mark.parametrize(("content", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_it_is_refused_with_the_name_of_the_field(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(content)

    with pytest.raises(UsageError, match=r"expected a record of perceptron-bench|schema version") as refused:
        read_run(file)

    assert message in str(refused.value)
