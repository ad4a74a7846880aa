"""Compares an implementation with the reference on problems whose values were drawn for this run."""

from functools import lru_cache, partial

import numpy as np

from benchmarks.cases.tolerances import tolerances
from benchmarks.cases.unseen import UnseenProblem, draw
from benchmarks.records.row import Check
from benchmarks.verify.agreement import Reference, compare, loss_name, parameter_name, train_reference
from benchmarks.worker.inspection.unseen import workload_of
from benchmarks.worker.messages import Outcome, UnseenOutcomes
from impls.contract import Problem

UNSEEN = "trainings on unseen problems"


def check(case: Problem, unseen: UnseenOutcomes) -> Check:
    """Compare every step's loss and the final parameters; the fault is the first problem's first."""
    references = _references(unseen.seed, _values_of(case), unseen.n_combinations)
    faults = {
        drawn.name: fault
        for (drawn, reference), outcome in zip(references, unseen.outcomes, strict=False)
        if (fault := _fault(drawn, reference, outcome))
    }
    if unseen.error:
        drawn, _ = references[len(unseen.outcomes)]
        faults[drawn.name] = unseen.error
    found = "all of them"
    if faults:
        name, fault = next(iter(faults.items()))
        others = f"; {len(faults)} of {len(references)} problems differ" if len(faults) > 1 else ""
        found = f"on {name}: {fault}{others}"
    return Check(
        name=UNSEEN,
        expected=f"the reference's results on {len(references)} problems drawn from seed {unseen.seed}",
        found=found,
        holds=not faults,
    )


def _values_of(case: Problem) -> Problem:
    """Return the case with all that does not change the values at its default."""
    return Problem(loss=case.loss, data=case.data)


@lru_cache(maxsize=8)
def _references(seed: int, case: Problem, n_combinations: int) -> list[tuple[UnseenProblem, Reference]]:
    """Draw the problems and train the reference on each: once for all implementations of a run."""
    return [
        (drawn, train_reference(partial(workload_of, drawn=drawn), drawn.kind.precision))
        for drawn in draw(seed, case, n_combinations)
    ]


def _fault(drawn: UnseenProblem, reference: Reference, outcome: Outcome) -> str | None:
    """Compare with the reference.

    Losses have the usual tolerance up to 1, and the same relative one beyond: float32 keeps a loss of 30 to
    2e-6 only, and each step rounds parameters of that size anew. Correct loops use at most 0.55 of it:
    those with optax, whose β2 in float32 makes every step longer by 6e-6 (measured, 32 seeds).
    """
    problem, expected = drawn.problem, reference.training
    loss_tolerance, parameter_tolerance = tolerances(problem)
    if len(outcome.losses) != len(expected.losses):
        return f"stopped after {len(outcome.losses)} steps, expected {len(expected.losses)}"
    _, loss_fault = compare(
        np.array(outcome.losses),
        expected.losses,
        loss_tolerance * np.maximum(1, expected.losses) + reference.ambiguity,
        partial(loss_name, problem),
    )
    _, parameter_fault = compare(
        np.array([*outcome.weight, *outcome.bias]),
        np.append(expected.weight, expected.bias),
        np.full(problem.n_features + 1, parameter_tolerance),
        partial(parameter_name, problem),
    )
    fault = loss_fault or parameter_fault
    return f"{fault} (often: {drawn.kind.often})" if fault else None
