"""The lines of the tidy tables, but for the figures: each class names and explains its columns."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from benchmarks.analysis.columns import Told

RunName = Annotated[str, Told("when the run began, which names it; ISO 8601")]
MachineName = Annotated[str, Told("the machine's name")]
CaseName = Annotated[
    str, Told("implementation, device and problem; with run and machine it finds the figures")
]
Implementation = Annotated[str, Told("its file's name")]
Device = Annotated[str, Told("cpu or cuda")]


class RunLine(NamedTuple):
    """Where and with what a run was measured."""

    run: RunName
    machine: MachineName
    system: Annotated[str, Told("operating system and kernel")]
    cpu: Annotated[str, Told("model of the machine's processor")]
    n_cpus: Annotated[int, Told("CPUs of the machine")]
    gpu: Annotated[str | None, Told("models and drivers of its GPUs")]
    n_cores: Annotated[int, Told("CPUs that every implementation was kept to")]
    pinned_to: Annotated[str, Told("their numbers; empty where the system can't pin")]
    versions: Annotated[str, Told("of Python and the frameworks")]
    commit: Annotated[str | None, Told("of the harness")]
    suite: Annotated[str | None, Told("the suite that was measured, if one was named")]
    n_rounds: Annotated[int, Told("rounds asked for")]
    is_quick: Annotated[bool, Told("whether it was but a quick look")]
    interrupted: Annotated[str | None, Told("by what it was interrupted, if it was")]


class ProcessLine(NamedTuple):
    """What one fresh process measured; the quantiles are those of all its samples."""

    run: RunName
    machine: MachineName
    case: CaseName
    round: Annotated[int, Told("counted from 0")]
    position: Annotated[int, Told("in the round's shuffled order, from 0")]
    n_samples: Annotated[int, Told("epochs timed")]
    min_s: Annotated[float, Told("the fastest epoch: the statistic that ratios are made of", "s")]
    q1_s: Annotated[float, Told("a quarter of the epochs are at most so long", "s")]
    median_s: Annotated[float, Told("half of them are", "s")]
    q3_s: Annotated[float, Told("three quarters of them are", "s")]
    max_s: Annotated[float, Told("the slowest epoch", "s")]
    mean_s: Annotated[float | None, Told("nothing is judged by it; records older than it have none", "s")]
    first_call_s: Annotated[float, Told("the first epoch, compilation included, warm disk caches", "s")]
    cpu_per_wall: Annotated[float, Told("CPU time over wall time: 1 is one core, fully used")]
    epoch_energy_j: Annotated[float | None, Told("of the whole GPU; empty where it is not metered", "J")]


class LossLine(NamedTuple):
    """A point of a loss curve: of the process that was furthest from the reference, thinned."""

    run: RunName
    machine: MachineName
    case: CaseName
    step: Annotated[int, Told("counted from 1")]
    loss: Annotated[float | None, Told("mean binary cross-entropy of the step's batch; empty: not finite")]
    reference_loss: Annotated[float, Told("the reference's at the same step")]
    max_deviation: Annotated[
        float | None, Told("largest |loss - reference| of this step and those since the line before")
    ]


class CostLine(NamedTuple):
    """A cost model, fitted on a sweep: time per step = fixed_s + per_sample_s · batch size."""

    run: RunName
    machine: MachineName
    implementation: Implementation
    device: Device
    problem: Annotated[str, Told("the swept problem's name, its batch size left open")]
    n_features: Annotated[int, Told("D: width of one sample")]
    n_batches: Annotated[int, Told("N: steps in one epoch")]
    fixed_s: Annotated[float, Told("of one step: dispatch; median of the fits to each round", "s")]
    fixed_low_s: Annotated[float, Told("smallest of these fits", "s")]
    fixed_high_s: Annotated[float, Told("largest of these fits", "s")]
    per_sample_s: Annotated[float, Told("of one sample of a step; median of the fits to each round", "s")]
    per_sample_low_s: Annotated[float, Told("smallest of these fits", "s")]
    per_sample_high_s: Annotated[float, Told("largest of these fits", "s")]
    max_misfit: Annotated[float, Told("largest relative difference of the model from a measured time")]
    batch_sizes: Annotated[str, Told("those of the sweep, ascending, with spaces between")]


class BreakEvenLine(NamedTuple):
    """From how many epochs on a training with the faster way ends first, the first call included."""

    run: RunName
    machine: MachineName
    problem: Annotated[str, Told("generated from the problem's fields; begins with its name if it has one")]
    device: Device
    faster: Annotated[str, Told("the implementation whose later epochs are the shorter")]
    slower: Annotated[str, Told("the other")]
    n_epochs_cold: Annotated[int | None, Told("with empty disk caches; empty: never, or not known")]
    n_epochs_warm: Annotated[int | None, Told("with warm ones; empty: never")]


class CheckLine(NamedTuple):
    """One item of a row's fairness manifest: a fact that was checked by machine."""

    run: RunName
    machine: MachineName
    case: CaseName
    name: Annotated[str, Told("what was checked")]
    expected: Annotated[str, Told("what a fair row has")]
    found: Annotated[str, Told("what this one had")]
    holds: Annotated[bool | None, Told("whether that will do; empty: could not be checked")]
