"""The observations of ranks that trained together → those of their case: the worst counts.

A process that trains alone is the only rank of its case: its observations are the case's as they are.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.hosts import Equipment
from benchmarks.records.process import Costs
from benchmarks.records.row import Agreement, Check
from benchmarks.verify.conservation import Judgement
from benchmarks.worker.messages import Measurement, Outcome, Timing

WORST_FIRST = (False, None, True)
"""Whether a check holds."""


def worst_agreement(found: Sequence[Agreement]) -> Agreement:
    """Return the agreement of the rank that is furthest from the reference; a fault names the rank.

    A fault that all ranks have is that of the loop, and names none.
    """
    rank = max(range(len(found)), key=lambda rank: found[rank].badness)
    faults = {each.fault for each in found}
    return (
        found[rank] if len(faults) == 1 else replace(found[rank], fault=f"rank {rank}: {found[rank].fault}")
    )


def worst_checks(by_rank: Sequence[Sequence[Check]]) -> list[Check]:
    """Return each check of the rank that did worst; where the ranks differ, the text names it."""
    names = dict.fromkeys(check.name for checks in by_rank for check in checks)
    found = ({rank: _named(name, checks) for rank, checks in enumerate(by_rank)} for name in names)
    return [_worst({rank: check for rank, check in each.items() if check}) for each in found]


def _named(name: str, checks: Sequence[Check]) -> Check | None:
    return next((check for check in reversed(checks) if check.name == name), None)


def _worst(checks: Mapping[int, Check]) -> Check:
    rank = min(checks, key=lambda rank: WORST_FIRST.index(checks[rank].holds))
    check = checks[rank]
    is_same = len({each.found for each in checks.values()}) == 1
    return check if is_same else replace(check, found=f"rank {rank}: {check.found}")


def worst_judgement(found: Sequence[Judgement]) -> Judgement:
    """Join the ranks' judgements: the worst of each check, the largest cost, the smallest share of it."""
    costs_s = [each.cost_s for each in found if each.cost_s is not None]
    return Judgement(
        checks=worst_checks([each.checks for each in found]),
        cost_s=max(costs_s, default=None),
        share=min(each.share for each in found),
        busy=any(each.busy for each in found),
    )


def of_hosts(hosts: Sequence[Equipment]) -> Iterator[Check]:
    """Name the host of each of several ranks: "vm: rank 0; vm2: rank 1"."""
    ranks: dict[str, list[str]] = {}
    for rank, host in enumerate(hosts):
        ranks.setdefault(host.machine, []).append(str(rank))
    if hosts:
        yield Check(
            name="hosts of the ranks",
            expected="any that are alike: others measure nothing",
            found="; ".join(f"{machine}: rank {', '.join(own)}" for machine, own in ranks.items()),
            holds=None,
        )


def same(by_rank: Sequence[Measurement]) -> Iterator[Check]:
    """Check that several ranks have the same values and the same times.

    Values may differ as far as each agrees with the reference. All ranks have the slowest one's times.
    """
    if len(by_rank) == 1:
        return
    apart = max(_distance(by_rank[0], each) for each in by_rank)
    yield Check(
        name="losses and parameters of the ranks",
        expected="bit-identical",
        found="bit-identical" if apart == 0 else f"up to {apart:.1e} apart",
        holds=True if apart == 0 else None,
    )
    times = {each.timing.summary.kept_s for each in by_rank if each.timing}
    if times:
        yield Check(
            name="times of the ranks",
            expected="the slowest rank's, on each",
            found="the same on each" if len(times) == 1 else f"{len(times)} different ones",
            holds=len(times) == 1,
        )


def _distance(one: Measurement, other: Measurement) -> float:
    """Return the largest difference of two ranks' values; NaN from NaN is none."""
    pairs = ((one.lowest, other.lowest), (one.highest, other.highest))
    values = [(_values(a), _values(b)) for a, b in pairs]
    return max(float(np.abs(a - b).max()) if a.shape == b.shape else math.inf for a, b in values)


def _values(outcome: Outcome) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.nan_to_num(
        np.concatenate([outcome.losses, outcome.weight, outcome.bias])
    )
    return values


def first_call_s(by_rank: Sequence[Measurement]) -> float:
    """Return the longest first call, in s."""
    return max(each.first_call_s for each in by_rank)


def costs(by_rank: Sequence[Measurement]) -> Costs | None:
    """Return the costs of the ranks that inspected: the longest first call, the most memory of one rank."""
    seen = [each.inspection for each in by_rank if each.inspection]
    if not seen:
        return None
    return Costs(
        cold_first_call_s=first_call_s(by_rank),
        peak_host_bytes=_most(each.peak_host_bytes for each in seen),
        peak_device_bytes=_most(each.peak_device_bytes for each in seen),
    )


def timing(by_rank: Sequence[Measurement]) -> Timing | None:
    """Return the times, which all ranks have alike, with the CPU time and the power of all."""
    timings = [each.timing for each in by_rank if each.timing]
    if not timings:
        return None
    powers_w = [each.power_w for each in timings if each.power_w is not None]
    return replace(
        timings[0],
        cpu_per_wall=sum(each.cpu_per_wall for each in timings),
        power_w=sum(powers_w) if len(powers_w) == len(timings) else None,
    )


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
