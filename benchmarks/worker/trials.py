"""Trials: whole trainings on unseen data, at two lengths, show what an epoch costs wherever it is paid.

The cost of E epochs is everything from the call of `prepare` to NumPy arrays in hand. The marginal epoch,
(cost(E2) - cost(E1)) / (E2 - E1), contains whatever an epoch makes the process do: in `run_epoch`, in another
call, in a thread, or later. What a training pays once is in both costs and cancels; it has limits of its own,
in `benchmarks.verify.conservation`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from operator import attrgetter
from statistics import median
from time import perf_counter, process_time
from typing import Literal

import numpy as np

from benchmarks.cases.data import draw_parameters
from benchmarks.worker.inspection.trial_data import FreshData, copy_s, place, unseen_epochs
from benchmarks.worker.inspection.waits import waited_s
from benchmarks.worker.messages import Conservation, Outcome, Trial
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import TimedTraining, Workload, check_result
from impls.contract import Batches, Placed

N_PAIRS = 3
"""Trials of each length. The cheapest of each counts: other work on the machine only adds to a cost."""

DIFFERENCE_S = 12e-3
"""The longer trial costs at least this much more, where MAX_STEPS allows: more than a training may pay once,
so that no work done ahead fits into that."""

SHORT_S = 30e-3
"""The shorter trial is as long as the case's trainings, but not longer than this if it can be shorter."""

QUIET, OF_FEW, FEW = 0.1, 0.2, 2
"""The fastest epoch is compared with the training that is slower than this part of all, or than this part of
few, but not than more of them: two fast ones among seven or more show no quiet moment, but a loop that does
less in them. On a core whose other thread is somebody else's, four of five were slow for seconds."""

MAX_STEPS = 5000
"""Of a trial: half of what the tolerances were measured for; the reference takes half a second."""

MAX_GROWTH = 16
"""By this factor, at most, the difference of the lengths grows after a trial that was too short."""


@dataclass
class Trials:
    """The trials of one workload, and the two lengths that they have at present, in epochs."""

    workload: Workload
    observer: FrameworkObserver
    seed: int  # of the data; trial i changes them by seed + 1 + i, and draws its parameters from it
    epochs: list[Batches]
    placed: list[Placed]  # once, as the case's own: a loop may capture a CUDA graph for each data set
    place_s: float  # CPU time
    fresh: FreshData
    short: int = 1
    long: int = 2
    first: Trial | None = None  # also pays what a loop pays once for a data set
    done: list[Trial] = field(default_factory=list)
    n_compilations: int = 0  # in the trials

    @classmethod
    def of(cls, workload: Workload, observer: FrameworkObserver, *, seed: int, n_epochs: int) -> Trials:
        """Draw and place the data, and choose the lengths for a case with trainings of `n_epochs`.

        A trial of one epoch tells how long they may be: it costs more than an epoch, never less.
        """
        problem = workload.problem
        epochs = unseen_epochs(problem, seed)
        placed, place_s = place(workload, epochs)
        fresh = FreshData.of(placed, workload, observer)
        trials = cls(workload, observer, seed, epochs, placed, place_s, fresh)
        trials.first = trials.train(1)
        most = SHORT_S / trials.slowest_s(trials.train(1))
        trials.short = max(1, min(n_epochs, int(most), MAX_STEPS // problem.n_batches // 2))
        trials.long = 2 * trials.short
        return trials

    def add_pair(self) -> None:
        """Train at each length; lengthen the longer one until the difference is large enough to measure.

        The seed says which one comes first, and both are announced as the longer one: a loop that wastes time
        in the shorter one, so that an epoch more seems to cost less, does not know which one it is.
        """
        longest = max(self.short + 1, MAX_STEPS // self.workload.problem.n_batches)
        while True:
            lengths = np.random.default_rng((self.seed, len(self.done))).permutation([self.short, self.long])
            cost_s = {n: self.slowest_s(self.train(n, announced=self.long)) for n in lengths.tolist()}
            difference_s = cost_s[self.long] - cost_s[self.short]
            if difference_s >= DIFFERENCE_S or self.long >= longest:
                return
            growth = min(MAX_GROWTH, 1.2 * DIFFERENCE_S / max(difference_s, 1e-9))
            self.long = min(longest, self.short + math.ceil((self.long - self.short) * growth))

    def conservation(self, *, n_cores: int) -> Conservation:
        """Return the figures that the trials so far give."""
        of_cpu, of_wall = (self.cheapest(by) for by in ("cpu_s", "wall_s"))
        cpu_s, wall_s = _slope(*of_cpu, "cpu_s"), _slope(*of_wall, "wall_s")
        short, epoch_s = (of_wall[0], wall_s) if self.workload.device == "cuda" else (of_cpu[0], cpu_s)
        fixed_s = self.cost_s(short) - self.short * epoch_s
        if self.first and self.workload.device == "cpu":  # on a GPU it may capture a graph for the data
            fixed_s = max(fixed_s, self.first.cpu_s - epoch_s)
        return Conservation(
            data_seed=self.seed,
            trials=tuple({trial.seed: trial for trial in (*of_cpu, *of_wall)}.values()),
            marginal_cpu_s=cpu_s / n_cores,
            marginal_wall_s=wall_s,
            fixed_s=fixed_s,
            place_s=self.place_s,
            # Not the least: a thread that works for the loop may have ended early, once.
            export_s=median(trial.export_s for trial in self.done),
            copy_s=copy_s(self.epochs),
            is_fresh=self.fresh.is_fresh,
        )

    def cheapest(self, cost: Literal["cpu_s", "wall_s"]) -> tuple[Trial, Trial]:
        """Return the cheapest trial of each length. They set the cost: their ends are verified, no others."""
        short, long = ([trial for trial in self.done if trial.n_epochs == n] for n in (self.short, self.long))
        by = attrgetter(cost)
        return min(short, key=by), min(long, key=by)

    def cost_s(self, trial: Trial) -> float:
        """Return a trial's cost: its CPU time, or on a GPU its wall time."""
        return trial.wall_s if self.workload.device == "cuda" else trial.cpu_s

    def slowest_s(self, trial: Trial) -> float:
        """Return the largest of the ranks' costs of a trial."""
        return self.workload.group.slowest(self.cost_s(trial))

    def train(self, n_epochs: int, *, announced: int = 1) -> Trial:
        """Run a trial of this length, and another if it compiled: a loop may compile for each length."""
        for _ in range(2):
            before = self.observer.n_compilations() or 0
            seed = self.seed + 1 + len(self.done)
            self.fresh.change(seed)
            self.done.append(
                run_trial(self.workload, self.placed, seed=seed, n_epochs=n_epochs, announced=announced)
            )
            n_compiled = (self.observer.n_compilations() or 0) - before
            self.n_compilations += n_compiled
            if not self.workload.group.anyone(n_compiled):
                break
        return self.done[-1]


def conservation_of(
    trials: Trials, timed: Sequence[TimedTraining], part: float | None, *, n_cores: int
) -> Conservation:
    """Return the trials' figures, and those of the timed trainings that they are compared with.

    `part` is the part of the waits in which others had the core; None: not observable. Of several
    ranks, the one counts that waited for others longest: the other ranks wait for it.
    """
    share, net_s, n_ranks = math.inf, None, trials.workload.group.ranks.n_ranks
    if part is not None:
        share = _for_others_s(trials.done, part, n_cores) / sum(t.wall_s for t in trials.done)
        left_s = sum(t.wall_s for t in timed) - _for_others_s(timed, part, n_cores)
        net_s = left_s / sum(len(t.epoch_s) for t in timed)
    (share,) = trials.workload.group.largest([share])
    return replace(
        trials.conservation(n_cores=n_cores),
        others_share=share if math.isfinite(share) else None,
        quiet_s=quiet_s(timed, n_ranks=n_ranks),
        n_ranks=n_ranks,
        net_s=net_s,
    )


def quiet_s(timed: Sequence[TimedTraining], *, n_ranks: int) -> float:
    """Return the mean epoch of a quiet moment: a tenth of the trainings took less, and two of seven or more.

    Over several ranks it is the fastest training's, which is also the fastest time that is shown.
    """
    means_s = [training.mean_s for training in timed]
    if n_ranks > 1:
        return min(means_s)
    most = len(means_s) - 1
    n_faster = max(math.ceil(QUIET * most), min(math.ceil(OF_FEW * most), FEW))
    return sorted(means_s)[n_faster]


def _for_others_s(trainings: Iterable[Trial | TimedTraining], part: float, n_cores: int) -> float:
    """Return how long trainings waited for others: not longer than their process left its cores unused."""
    return sum(max(0.0, min(part * t.waited_s, n_cores * t.wall_s - t.cpu_s)) for t in trainings)


def run_trial(workload: Workload, placed: list[Placed], *, seed: int, n_epochs: int, announced: int) -> Trial:
    """Train for `n_epochs` on these epochs, from parameters that no other training starts from.

    The implementation is told a number of epochs, as in any training; work for them in `prepare` counts.
    """
    implementation, device = workload.implementation, workload.device
    # It ends an epoch early: losses that a loop computes only for the last one are then missing.
    problem = replace(workload.problem, n_epochs=announced + 1, target_loss=None)
    parameters = draw_parameters(replace(problem, seed=seed))
    workload.lookout.begin()
    workload.group.wait()
    wall_start_s = perf_counter()
    waited_before_s = waited_s()
    cpu_start_s = process_time()
    state = implementation.prepare(problem, parameters, device)
    for batches in islice(cycle(placed), n_epochs):
        state = implementation.run_epoch(state, batches)
    workload.lookout.look()  # part of the cost, in both lengths alike: a thread may do its work meanwhile
    export_start_s = process_time()
    result = implementation.export(state)
    check_result(result, problem)
    end = [np.ravel(array).copy() for array in (result.losses, result.weight, result.bias)]
    cpu_end_s = process_time()
    waited_after_s = waited_s()
    cpu_s, wall_s = cpu_end_s - cpu_start_s, perf_counter() - wall_start_s
    return Trial(
        seed=seed,
        n_epochs=n_epochs,
        cpu_s=cpu_s,
        wall_s=wall_s,
        waited_s=waited_after_s - waited_before_s,
        export_s=cpu_end_s - export_start_s,
        end=Outcome(**dict(zip(("losses", "weight", "bias"), (a.tolist() for a in end), strict=True))),
    )


def calls_cpu_s(workload: Workload, n_epochs: int) -> tuple[float, ...]:
    """Train on the case's own data; return the CPU time of `prepare`, of each epoch, and of `export`."""
    implementation = workload.implementation
    ticks = [process_time()]
    state = workload.start()
    ticks.append(process_time())
    for epoch in range(n_epochs):
        state = implementation.run_epoch(state, workload.batches(epoch))
        ticks.append(process_time())
    implementation.export(state)
    ticks.append(process_time())
    return tuple(np.diff(ticks).tolist())


def _slope(short: Trial, long: Trial, cost: Literal["cpu_s", "wall_s"]) -> float:
    """Return the cost of one epoch more."""
    difference_s: float = getattr(long, cost) - getattr(short, cost)
    return difference_s / (long.n_epochs - short.n_epochs)
