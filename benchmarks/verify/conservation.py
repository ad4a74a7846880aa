"""Is the time shown for an epoch at least its cost in whole trainings on unseen data?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Check
from benchmarks.verify.trajectory import snapshot
from benchmarks.worker.conserved import (
    TOLERANCE,
    conserved_share,
    fastest_s,
    is_below,
    is_busy,
    marginal_s,
    mean_s,
    unsteadiness,
)
from benchmarks.worker.messages import Conservation, Timing, Trial
from impls.contract import Device, Problem

EPOCH = "time of an epoch, at least its cost in whole trainings on unseen data"
LEAST = f"at least {TOLERANCE:g} of it"

FRESH = ", after values were changed where place has put them"

CLEARLY = 2
"""Beyond this many times a limit, one process fails; between is undecided."""

SLOWED = 1 / TOLERANCE
"""A fastest epoch that takes more than this many times its cost was slowed down by other work, if there was
any: such a time would also hide what is done elsewhere."""

ENOUGH = 3
"""Of so many processes, the median decides."""

FIXED_S, FIXED_EPOCHS, FIXED_COPIES = 10e-3, 2, 2
"""A training may cost this much beyond its epochs: `prepare`, `export`, a first epoch with cold caches. The
first on a data set may also take as long as this many copies of it by NumPy: JAX may copy only when it first
uses the data. Honest loops: docs/method.md."""

PLACE_S, PLACE_BATCH_S, PLACE_COPIES = 10e-3, 500e-6, 8
"""`place` may take this long, this long for each batch of an epoch (JAX takes 120 µs to place one, measured),
and this many times as long as NumPy takes to copy and transpose the data."""

EXPORT_S = 1e-3
EXPORT_LOSS_S: dict[Device, float] = {"cpu": 30e-6, "cuda": 100e-6}
"""An export may take this long, and this long for each loss: it is a few copies, slower from a GPU."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The checks of one process's trials, and what follows from them."""

    checks: list[Check]
    cost_s: float | None  # of an epoch
    share: float  # of its cost that the shown time reaches; 1 or more: all of it
    busy: bool  # other work took the core

    @property
    def undecided(self) -> bool:
        """Whether some check could be neither passed nor failed."""
        return any(check.holds is None for check in self.checks)


def judge(timing: Timing, problem: Problem, device: Device) -> Judgement:
    """Check one process's trials: their ends, what an epoch costs, and what a training pays once."""
    found = timing.conservation
    share = conserved_share(found, timing.summary, device)
    return Judgement(
        checks=[
            _ends(found, problem),
            *_freshness(found),
            _epoch(timing, share, device),
            *_limits(timing, problem.n_batches, device),
        ],
        cost_s=marginal_s(found, device),
        share=share,
        busy=is_busy(found),
    )


def judge_all(judgements: Sequence[Judgement]) -> Check:
    """Judge the processes of a case, none of which failed: by their median, if there are enough.

    The check is that of an epoch's time, unless only another one is undecided.
    """
    n_processes, n_busy = len(judgements), sum(each.busy for each in judgements)
    share = median(each.share for each in judgements)
    found = f"{share:.2f} of it, in the median of {n_processes} process{'es' * (n_processes > 1)}"
    check, decides = Check(name=EPOCH, expected=LEAST, found=found, holds=share >= TOLERANCE), True
    if check.holds and 2 * sum(each.undecided for each in judgements) > n_processes:
        check, decides = _most_undecided(judgements)
    if check.holds or (decides and n_processes >= ENOUGH and not n_busy):
        return check
    why = "that may be noise; measure more rounds"
    if n_busy:
        why = f"other work took the core in {n_busy} of them; let it end first"
    return replace(check, holds=None, found=f"{check.found}; could not be checked: {why}")


def _most_undecided(judgements: Sequence[Judgement]) -> tuple[Check, bool]:
    """Return the check that most processes are undecided about, as failed, and whether they are over half."""
    undecided = [check for each in judgements for check in each.checks if check.holds is None]
    (name, n_undecided), *_ = Counter(check.name for check in undecided).most_common()
    check = next(check for check in undecided if check.name == name)
    found = f"{check.found}; so in {n_undecided} of {len(judgements)} processes"
    return replace(check, holds=False, found=found), 2 * n_undecided > len(judgements)


def _epoch(timing: Timing, share: float, device: Device) -> Check:
    found, shown = timing.conservation, timing.summary
    text = (
        f"{share:.2f}: shown {_us(shown.min_s)} (typical {_us(shown.median_s)}, "
        f"mean {_us(mean_s(found, shown))}), "
        f"an epoch more costs {_us(found.marginal_cpu_s)} of CPU time per core, "
        f"{_us(found.marginal_wall_s)} of wall time, in a quiet moment {_us(fastest_s(found, device))}"
    )
    busy, holds = is_busy(found), True if share >= TOLERANCE else None
    if holds and busy and found.others_share is not None and share > SLOWED:
        return Check(name=EPOCH, expected=LEAST, found=f"{text}: slowed down{_busy(found)}", holds=None)
    if not holds:
        text += f"{_busy(found)}; {_cause(found)}"
        holds = False if is_below(found, share) else None
    return Check(name=EPOCH, expected=LEAST, found=text, holds=holds)


def _cause(found: Conservation) -> str:
    """Name the call in which the case's own training spends what its epochs do not show."""
    prepare_s, *epochs_s, export_s = found.calls_cpu_s
    cost_s, n_epochs = found.marginal_cpu_s, len(epochs_s)
    if cost_s <= 0:
        return "trials of both lengths cost the same: their work does not depend on their length"
    total = sum(found.calls_cpu_s) / cost_s
    if total < n_epochs / 2:
        return (
            f"a training of {n_epochs} epochs on the case's own data takes the CPU time of {total:.2g}: "
            "results are remembered, or computed elsewhere"
        )
    numbered = {f"call {i + 1} of run_epoch": epoch_s for i, epoch_s in enumerate(epochs_s)}
    calls = {"prepare": prepare_s, **numbered, "export": export_s}
    call = max(calls, key=calls.__getitem__)
    if calls[call] > 2 * cost_s:
        spent = f"{calls[call] / cost_s:.3g} epochs, in a training of {n_epochs}"
        return f"the CPU time of {spent}, is spent in {call}"
    return "run_epoch returns before its work is done; it must wait for the device"


def _limits(timing: Timing, n_batches: int, device: Device) -> Iterator[Check]:
    found, epoch_s = timing.conservation, timing.summary.median_s
    yield _limit(
        "cost of a training beyond its epochs",
        found.fixed_s,
        FIXED_S + FIXED_EPOCHS * epoch_s + FIXED_COPIES * found.copy_s,
        found,
        "prepare, export or the first epoch does other epochs' work",
    )
    yield _limit(
        "cost of placing the batches",
        found.place_s,
        PLACE_S + PLACE_BATCH_S * n_batches + PLACE_COPIES * found.copy_s,
        found,
        "place may copy, move and change the layout, not compute",
    )
    yield _limit(
        "cost of an export",
        found.export_s,
        EXPORT_S + EXPORT_LOSS_S[device] * n_batches,
        found,
        f"run_epoch left the work of {found.export_s / epoch_s:.1f} epochs to it",
    )


def _limit(name: str, found_s: float, limit_s: float, found: Conservation, remedy: str) -> Check:
    holds: bool | None = found_s <= limit_s
    text = _us(max(found_s, 0))
    if not holds:
        clearly_s = CLEARLY * unsteadiness(found) * limit_s
        holds = None if is_busy(found) or found_s <= clearly_s else False
        text += f"{_busy(found)}: {remedy}"
    return Check(name=name, expected=f"at most {_us(limit_s)} of CPU time", found=text, holds=holds)


def _busy(found: Conservation) -> str:
    if found.others_share is None:
        return "; whether other work took the core is not observable"
    return f"; other work had the core {found.others_share:.0%} of the time" if is_busy(found) else ""


def _us(time_s: float) -> str:
    return f"{time_s * 1e6:.4g} µs"


def _freshness(found: Conservation) -> Iterator[Check]:
    """Check that each trial had data that nothing was prepared from, where that is observable."""
    if found.is_fresh is not None:
        nothing = "place returns no writable array of float32 features; let it return the arrays themselves"
        yield Check(
            name="data of the trainings on unseen data",
            expected="changed before each of them, where place has put them",
            found="so" if found.is_fresh else nothing,
            holds=found.is_fresh,
        )


def _ends(found: Conservation, problem: Problem) -> Check:
    """Check that each trial ended where the reference does."""
    faults = [fault for trial in found.trials if (fault := _fault(trial, problem, found))]
    return Check(
        name="ends of the trainings on unseen data",
        expected="the reference's losses and parameters",
        found=faults[0]
        if faults
        else f"as expected in all {len(found.trials)}, on data of seed {found.data_seed}",
        holds=not faults,
    )


def _fault(trial: Trial, problem: Problem, found: Conservation) -> str | None:
    plain = replace(problem, precision="float32")
    expected = snapshot(
        plain,
        data_seed=found.data_seed,
        seed=trial.seed,
        n_epochs=trial.n_epochs,
        is_fresh=bool(found.is_fresh),
    )
    loss_tolerance, parameter_tolerance = tolerances(problem)
    for name, tolerance in (
        ("losses", loss_tolerance + np.array(expected.ambiguity)),
        ("weight", parameter_tolerance),
        ("bias", parameter_tolerance),
    ):
        wanted = np.ravel(getattr(expected.result, name))
        got = np.array(getattr(trial.end, name))
        if got.shape != wanted.shape:
            return f"{name}: expected {len(wanted)} values after epoch {trial.n_epochs}, found {len(got)}"
        if not (np.abs(got - wanted) <= tolerance).all():  # also for NaN
            worst = int(np.nanargmax(np.abs(got - wanted))) if np.isfinite(got).any() else 0
            return (
                f"{name}[{worst}] after epoch {trial.n_epochs}, data of seed {found.data_seed}, parameters "
                f"of seed {trial.seed}{FRESH if found.is_fresh else ''}: "
                f"expected {wanted[worst]:.7g}, found {got[worst]:.7g}"
            )
    return None
