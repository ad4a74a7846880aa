"""Each loop that spans ranks computes on two of them, over gloo, what the reference computes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import select
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, CaseResult
from impls.contract import Problem
from tests.helpers.ranks import Answers, run_ranks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy
    from tests.helpers.forks import Forks

pytestmark = pytest.mark.usefixtures("every_cpu")

# Each size is compiled; on one rank, test_implementations trains on more of them.
PROBLEMS = {
    "a stream with a ragged last batch of one row a rank": Problem(
        n_features=257,
        batch_size=16,
        n_batches=3,
        last_batch_size=2,
        n_epochs=5,
        data="stream",
        learning_rate=0.1,
    ),
    "a data set and a stopping rule": Problem(n_epochs=20, target_loss=0.3, max_loss_change=0.05),
}
FILES = {entry.name: entry for entry in select(()) if entry.spans_ranks}
COMPILED, LEFT_OUT = "torch_step_all_reduce", ", not compiled"
"""A loop that is compiled for minutes on a busy machine; the same steps are quick without the compiler."""

LOOPS = [f"{name}{LEFT_OUT}" if name == COMPILED else name for name in FILES]


@pytest.fixture(scope="module", params=[*LOOPS, pytest.param(COMPILED, marks=pytest.mark.long)])
def ranks(
    request: pytest.FixtureRequest,
    starters: list[Forks],
    caches: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, list[Answers]]:
    """Measure a loop on two ranks, in one process each for all problems."""
    name: str = request.param
    loop = name.removesuffix(LEFT_OUT)
    return loop, run_ranks(
        FILES[loop].path,
        [*PROBLEMS.values()],
        tmp_path_factory.mktemp(loop),
        starters=starters,
        caches=str(caches),
        sample_s=0.001,
        inspects=name == loop,
        n_unseen=0,
        within_s=600,
        worker_timeout_s=600,
        wakes=False,
        variables={"TORCHDYNAMO_DISABLE": str(int(name != loop))},
    )


def test_both_ranks_measure_every_problem_and_end(ranks: tuple[str, list[Answers]]) -> None:
    for rank in ranks[1]:
        assert len(rank.measurements) == len(PROBLEMS), rank
        assert rank.status == 0


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_rank_agrees_with_the_reference_at_every_step(
    problem: str, ranks: tuple[str, list[Answers]]
) -> None:
    name, answers = ranks
    for rank in answers:
        result = CaseResult(Case(FILES[name], "cpu", PROBLEMS[problem]))
        result.add(rank.measurements[list(PROBLEMS).index(problem)], round_=0, position=0)

        assert result.row().verdict is Verdict.VERIFIED, result.row().reason


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_ranks_are_bit_identical(problem: str, ranks: tuple[str, list[Answers]]) -> None:
    first, second = (rank.measurements[list(PROBLEMS).index(problem)] for rank in ranks[1])

    assert first.lowest == second.lowest
    assert first.highest == second.highest
    assert first.own_size == second.own_size
    assert first.timing
    assert second.timing
    assert first.timing.summary == second.timing.summary


def test_a_rank_of_jax_ends_when_it_is_asked_to(
    copy_of: Copy, starters: list[Forks], caches: Path, tmp_path: Path
) -> None:
    ends = "    import os, signal\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    start = "    model, optimizer_state, train_epoch, _ = state\n"
    path = copy_of("jax_shard_map", (start, f"{ends}{start}"))

    ranks = run_ranks(path, [Problem()], tmp_path, starters=starters, within_s=60, caches=str(caches))

    assert ranks[0].status == -signal.SIGTERM
    # JAX aborts a rank whose first rank, the coordinator, has ended before the signal came.
    assert ranks[1].status in (-signal.SIGTERM, -signal.SIGABRT)
