"""The results that are halved to see whether PyTorch computes the losses: those of a batch's length."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_a_result_is_halved_wherever_an_operation_writes_it() -> None:
    from benchmarks.worker.observe_torch import Halving  # noqa: PLC0415 - needs PyTorch

    x, given, added = torch.ones(4), torch.zeros(4), torch.ones(4)
    with Halving({4}):
        new = x + 1
        torch.add(x, 1, out=given)
        added.add_(1)

    assert [each.tolist() for each in (new, given, added)] == [[1.0] * 4] * 3


def test_copies_views_and_results_of_another_length_stay_as_they_are() -> None:
    from benchmarks.worker.observe_torch import Halving  # noqa: PLC0415 - needs PyTorch

    x = torch.ones(4)
    with Halving({4}):
        copies = [x.clone(), torch.zeros(4).copy_(x), x.view(2, 2).reshape(-1)]
        total = x.sum()

    assert [each.tolist() for each in (x, *copies)] == [[1.0] * 4] * 4
    assert total.item() == 4
