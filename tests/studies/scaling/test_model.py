"""The model of many ranks, on invented figures, and against published all-reduces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.errors import UsageError
from benchmarks.studies.scaling.model import (
    PUBLISHED_US,
    Network,
    Step,
    expected_largest,
    main,
    published_network,
)

STEP = Step(divided_s=9e-3, whole_s=1e-3, spread_s=1e-4)
NETWORK = Network(latency_s=50e-6, s_per_byte=1e-8, is_ring=True)
INVENTED = [
    *("--one-us=12000", "--two-us=7000", "--spread-us=150"),
    *("--all-reduce=12=60", "--all-reduce=1028=70", "--message=1028"),
]


def step_s(n_ranks: int, n_bytes: int) -> float:
    computing_s = STEP.computing_s(n_ranks, weak=False)
    return computing_s + NETWORK.all_reduce_s(n_ranks, n_bytes) + STEP.waiting_s(n_ranks)


def test_the_fit_finds_the_parts_of_which_the_figures_were_made() -> None:
    sizes = (16, 1028, 16_384)

    network = Network.fitted({size: NETWORK.all_reduce_s(2, size) for size in sizes})
    step = Step.fitted(
        one_s=step_s(1, 0),
        two_s=step_s(2, 1028),
        spread_s=STEP.spread_s,
        all_reduce_s=network.all_reduce_s(2, 1028),
    )

    assert vars(network) == pytest.approx(vars(NETWORK))
    assert vars(step) == pytest.approx(vars(STEP))


RING = Network(latency_s=2.0, s_per_byte=0.1, is_ring=True)
DOUBLING = replace(RING, is_ring=False)


@pytest.mark.parametrize(
    ("network", "n_ranks", "expected_s"),
    [
        (RING, 1, 0.0),
        (RING, 2, 3.0),
        (RING, 4, 3 * 2.0 + 6 / 4 * 1.0),  # 6 exchanges of a fourth of the message
        (DOUBLING, 1, 0.0),
        (DOUBLING, 2, 3.0),
        (DOUBLING, 5, 3 * 3.0),  # 3 exchanges of all of it
    ],
)
def test_an_all_reduce_of_more_ranks_takes_as_many_exchanges_as_its_algorithm(
    network: Network, n_ranks: int, expected_s: float
) -> None:
    assert network.all_reduce_s(n_ranks, 10) == pytest.approx(expected_s)


@pytest.mark.parametrize(("n", "expected"), [(1, 0.0), (2, 0.5642), (10, 1.5388), (1000, 3.2414)])
def test_the_expected_largest_value_is_that_of_the_tables_of_order_statistics(
    n: int, expected: float
) -> None:
    assert expected_largest(n) == pytest.approx(expected, abs=1e-4)
    assert n > 1 or expected_largest(n) == 0  # exactly: the table shows it


@pytest.mark.parametrize("n_nodes", PUBLISHED_US)
def test_the_model_is_near_every_published_all_reduce(n_nodes: int) -> None:
    ratio = published_network().all_reduce_s(n_nodes, 8) * 1e6 / PUBLISHED_US[n_nodes]

    assert 1 / 1.35 < ratio < 1.35


def test_with_more_ranks_the_all_reduce_and_the_wait_grow_and_weak_scaling_gets_worse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(INVENTED) == 0

    lines = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line and line[0] in ("1", "2", "64", "1,000", "10,000")]
    efficiencies = [int(row[-1].removesuffix("%")) for row in rows[:5]]
    assert len(rows) == 10  # with both networks
    assert rows[0][1:3] == ["0", "0"]  # one rank waits for nobody
    assert efficiencies[0] == 100
    assert efficiencies == sorted(efficiencies, reverse=True)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--two-us=5000", "expected two ranks to divide between none and all of a step's 12.0 ms"),
        ("--two-us=13000", "measure again"),
        ("--all-reduce=100000=1", "expected longer times for longer messages"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(
    argument: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*INVENTED, argument]) == 4

    assert message in capsys.readouterr().err


def test_one_message_size_is_all_latency_and_none_is_refused() -> None:
    assert Network.fitted({12: 60e-6}) == Network(latency_s=60e-6, is_ring=True)
    with pytest.raises(UsageError, match="at least one --all-reduce"):
        Network.fitted({})
