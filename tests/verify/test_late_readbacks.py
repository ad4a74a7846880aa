"""Losses that are read in time at first and later in groups, or where a batch is placed twice, are found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from tests.conftest import SMALL

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured

KEEP = "        state.losses.append(state.keep(loss))\n"
END = "    torch.get_device_module"
LATE = "time of the readbacks: expected each loss is read before the next step begins, found a later step"
READ = "    state.losses = [each if isinstance(each, float) else state.keep(each) for each in state.losses]\n"
PLACED = "(torch.tensor(x), torch.tensor(y))"


@pytest.mark.parametrize(
    "changes",
    [
        (
            (KEEP, KEEP.replace("state.keep(loss)", "state.keep(loss) if len(state.losses) < 9 else loss")),
            (END, READ + END),
        ),
        (
            (PLACED, "(torch.tensor(x), torch.tensor(y), torch.tensor(x.T.copy()))"),
            ("for x, y in batches:\n        state", "for x, y, _ in batches:\n        state"),
            (
                "for x, y in self.batches:\n            yield x",
                "for x, y, t in self.batches:\n            yield x",
            ),
            ("y.to(self.device)\n", "y.to(self.device), t\n"),
            (KEEP, "        state.losses.append(loss)\n"),
            (END, READ + END),
        ),
    ],
    ids=["grouped later", "several layouts"],
)
def test_a_loss_that_is_read_late_is_found_wherever_it_is(
    changes: tuple[tuple[str, str], ...], copy_of: Copy, measured: Measured
) -> None:
    late = copy_of("torch_eager", *changes)

    row = measured(late, replace(SMALL, n_batches=40, readback="step"))

    assert row.verdict is Verdict.INVALID
    assert LATE in (row.reason or "")
