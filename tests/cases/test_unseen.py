"""Problems drawn for ranks: they divide each batch."""

from __future__ import annotations

import pytest

from benchmarks.cases.unseen import COMBINATIONS, draw
from impls.contract import Problem


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 8])
def test_the_ranks_divide_each_batch_of_an_unseen_problem(n_ranks: int) -> None:
    drawn = list(draw(1, Problem(), len(COMBINATIONS), n_ranks))

    sizes = {len(y) for each in drawn for batches in each.epochs for _, y in batches}
    assert all(size % n_ranks == 0 for size in sizes)
    assert min(sizes) == n_ranks
    assert (37 in sizes) is (n_ranks == 1)
