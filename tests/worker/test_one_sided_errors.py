"""Over ranks, a probe hides no error and decides nothing alone: the other ranks would wait forever."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.worker.inspection.losses import losses_are_computed
from benchmarks.worker.inspection.precision import ProbeErrors, probe_errors
from benchmarks.worker.inspection.readback import reads_in_time
from benchmarks.worker.inspection.within_reach import arrays_within_reach
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.ranks import ALONE, Group
from benchmarks.worker.training import Workload
from impls import numpy_reference
from impls.contract import Ranks
from tests.conftest import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

OBSERVER = FrameworkObserver()
PAIR = Group(Ranks(rank=1, n_ranks=2))

PROBES: dict[str, tuple[Callable[[Workload], object], object]] = {
    "products": (probe_errors, ProbeErrors()),
    "losses": (lambda workload: losses_are_computed(workload, OBSERVER), None),
    "readbacks": (lambda workload: reads_in_time(workload, OBSERVER), None),
}


def raising(group: Group) -> Workload:
    """Make a workload whose loop raises an error in its first epoch."""

    def run_epoch(*_: Any) -> None:
        raise MemoryError

    implementation: Any = SimpleNamespace(**{**vars(numpy_reference), "run_epoch": run_epoch})
    return Workload.of(implementation, replace(SMALL, readback="step"), "cpu", group)


@pytest.mark.parametrize("probe", PROBES)
def test_a_loop_that_raises_in_a_probe_is_not_observable_alone_and_raises_over_ranks(probe: str) -> None:
    observe, nothing = PROBES[probe]

    assert observe(raising(ALONE)) == nothing
    with pytest.raises(MemoryError):
        observe(raising(PAIR))


def test_arrays_that_are_out_of_reach_on_some_rank_are_so_on_all() -> None:
    array, fixed = np.ones(2), np.ones(2)
    fixed.setflags(write=False)

    assert arrays_within_reach([array], OBSERVER, PAIR) == [array]
    assert arrays_within_reach([array, fixed], OBSERVER, PAIR) == []
    assert arrays_within_reach([array], OBSERVER, replace(PAIR, exchange=lambda _: [1.0])) == []
