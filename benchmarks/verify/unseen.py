"""Compares an implementation with the reference on problems whose values were drawn for this run."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from benchmarks.cases.tolerances import tolerances
from benchmarks.cases.unseen import UnseenProblem, draw, draw_own_size
from benchmarks.records.row import Check
from benchmarks.verify.agreement import Reference, compare, loss_name, parameter_name, train_reference
from benchmarks.worker.inspection.unseen import workload_of
from benchmarks.worker.messages import Outcome, UnseenOutcomes
from impls.contract import Problem

UNSEEN = "trainings on unseen problems"
OWN_SIZE = "trainings on unseen values of the case's own size"


@dataclass(frozen=True)
class Expected:
    """The reference's training on a drawn problem, without the problem's data."""

    name: str
    often: str  # the usual mistakes that such values show
    problem: Problem
    reference: Reference


def check(case: Problem, unseen: UnseenOutcomes) -> Check:
    """Compare every step's loss and the final parameters; the fault is the first problem's first."""
    plain = Problem(loss=case.loss, data=case.data)  # all else is the combination's, or changes no values
    expected = _on_combinations(unseen.seed, plain, unseen.n_asked, unseen.n_ranks)
    return _check(UNSEEN, expected, unseen)


def check_own_size(case: Problem, unseen: UnseenOutcomes) -> Check:
    """Compare the last epoch's losses and the final parameters."""
    plain = replace(case, feed="device", readback="epoch", seed=0)  # these change no values
    return _check(OWN_SIZE, _on_own_size(unseen.seed, plain, unseen.n_asked), unseen)


def _check(name: str, expected: list[Expected], unseen: UnseenOutcomes) -> Check:
    faults = {
        each.name: fault
        for each, outcome in zip(expected, unseen.outcomes, strict=False)
        if (fault := _fault(each, outcome))
    }
    if unseen.error:
        faults[expected[len(unseen.outcomes)].name] = unseen.error
    found = "all of them"
    if faults:
        problem, fault = next(iter(faults.items()))
        others = f"; {len(faults)} of {len(expected)} problems differ" if len(faults) > 1 else ""
        found = f"on {problem}: {fault}{others}"
    plural = "s" * (len(expected) > 1)
    return Check(
        name=name,
        expected=f"the reference's results on {len(expected)} problem{plural} drawn from seed {unseen.seed}",
        found=found,
        holds=not faults,
    )


@lru_cache(maxsize=8)
def _on_combinations(seed: int, case: Problem, n_combinations: int, n_ranks: int) -> list[Expected]:
    return _trained(draw(seed, case, n_combinations, n_ranks))


@lru_cache(maxsize=8)
def _on_own_size(seed: int, case: Problem, n_kinds: int) -> list[Expected]:
    return _trained(draw_own_size(seed, case, n_kinds))


def _trained(problems: Iterable[UnseenProblem]) -> list[Expected]:
    """Train the reference on each problem: once for all implementations of a run."""
    expected = []
    for drawn in problems:
        workload = partial(workload_of, drawn=drawn, problem=drawn.problem)
        reference = train_reference(workload, drawn.kind.precision)
        expected.append(Expected(drawn.name, drawn.kind.often, drawn.problem, reference))
    return expected


def _fault(expected: Expected, outcome: Outcome) -> str | None:
    """Compare with the reference; an outcome that has fewer losses has those of the last epoch.

    Losses have the usual tolerance up to 1, and the same relative one beyond: float32 keeps a loss of 30 to
    2e-6 only, and each step rounds parameters of that size anew. Correct loops use at most 0.66 of it:
    those with optax, whose β2 in float32 makes every step longer by 6e-6 (measured, 32 seeds).
    """
    problem, training = expected.problem, expected.reference.training
    loss_tolerance, parameter_tolerance = tolerances(problem)
    n_losses, n_steps = len(outcome.losses), len(training.losses)
    if n_losses not in (n_steps, problem.n_batches):
        return f"stopped after {n_losses} steps, expected {n_steps}"
    losses = training.losses[-n_losses:]
    _, loss_fault = compare(
        np.array(outcome.losses),
        losses,
        loss_tolerance * np.maximum(1, losses) + expected.reference.ambiguity[-n_losses:],
        lambda i: loss_name(problem, n_steps - n_losses + i),
    )
    _, parameter_fault = compare(
        np.array([*outcome.weight, *outcome.bias]),
        np.append(training.weight, training.bias),
        np.full(problem.n_features + 1, parameter_tolerance),
        partial(parameter_name, problem),
    )
    fault = loss_fault or parameter_fault
    return f"{fault} (often: {expected.often})" if fault else None
