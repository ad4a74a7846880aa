"""The lines of the tidy tables, but for the figures: each class names and explains its columns."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from benchmarks.analysis.columns import Column

RunName = Annotated[str, Column("when the run began, which names it; ISO 8601")]
MachineName = Annotated[str, Column("the machine's name")]
CaseName = Annotated[
    str, Column("implementation, device and problem; with run and machine it finds the figures")
]
Implementation = Annotated[str, Column("its file's name")]
Device = Annotated[str, Column("cpu or cuda")]
Cores = Annotated[int, Column("CPUs that its processes were kept to")]


class RunLine(NamedTuple):
    """Where and with what a run was measured."""

    run: RunName
    machine: MachineName
    system: Annotated[str, Column("operating system and kernel")]
    cpu: Annotated[str, Column("model of the machine's processor")]
    n_cpus: Annotated[int, Column("CPUs of the machine")]
    gpu: Annotated[str | None, Column("models and drivers of its GPUs")]
    pinned_to: Annotated[str, Column("numbers of the CPUs for the workers; empty where the system can't pin")]
    versions: Annotated[str, Column("of Python and the frameworks")]
    commit: Annotated[str | None, Column("of the harness")]
    suite: Annotated[str | None, Column("the suite that was measured, if one was named")]
    n_rounds: Annotated[int, Column("rounds asked for")]
    is_quick: Annotated[bool, Column("whether it was but a quick look")]
    interrupted: Annotated[str | None, Column("by what it was interrupted, if it was")]


class ProcessLine(NamedTuple):
    """What one fresh process measured; the quantiles are those of all its samples."""

    run: RunName
    machine: MachineName
    case: CaseName
    round: Annotated[int, Column("counted from 0")]
    position: Annotated[int, Column("in the round's shuffled order, from 0")]
    n_samples: Annotated[int, Column("epochs timed")]
    min_s: Annotated[float, Column("the fastest epoch: the statistic that ratios are made of", "s")]
    q1_s: Annotated[float, Column("a quarter of the epochs are at most so long", "s")]
    median_s: Annotated[float, Column("half of them are", "s")]
    q3_s: Annotated[float, Column("three quarters of them are", "s")]
    max_s: Annotated[float, Column("the slowest epoch", "s")]
    mean_s: Annotated[float | None, Column("nothing is judged by it; records older than it have none", "s")]
    first_call_s: Annotated[float, Column("the first epoch, compilation included, warm disk caches", "s")]
    cpu_per_wall: Annotated[float, Column("CPU time over wall time: 1 is one core, fully used")]
    epoch_energy_j: Annotated[float | None, Column("of the whole GPU; empty where it is not metered", "J")]


class LossLine(NamedTuple):
    """A point of a loss curve: of the process that was furthest from the reference, thinned."""

    run: RunName
    machine: MachineName
    case: CaseName
    step: Annotated[int, Column("counted from 1")]
    loss: Annotated[float | None, Column("mean binary cross-entropy of the step's batch; empty: not finite")]
    reference_loss: Annotated[float, Column("the reference's at the same step")]
    max_deviation: Annotated[
        float | None, Column("largest |loss - reference| of this step and those since the line before")
    ]


class CostLine(NamedTuple):
    """A cost model, fitted on a sweep: time per step = fixed_s + per_sample_s · batch size."""

    run: RunName
    machine: MachineName
    implementation: Implementation
    device: Device
    n_cores: Cores
    problem: Annotated[str, Column("the swept problem's name, its batch size left open")]
    n_features: Annotated[int, Column("D: width of one sample")]
    n_batches: Annotated[int, Column("N: steps in one epoch")]
    fixed_s: Annotated[float, Column("of one step: dispatch; median of the fits to each round", "s")]
    fixed_low_s: Annotated[float, Column("smallest of these fits", "s")]
    fixed_high_s: Annotated[float, Column("largest of these fits", "s")]
    per_sample_s: Annotated[float, Column("of one sample of a step; median of the fits to each round", "s")]
    per_sample_low_s: Annotated[float, Column("smallest of these fits", "s")]
    per_sample_high_s: Annotated[float, Column("largest of these fits", "s")]
    max_misfit: Annotated[float, Column("largest relative difference of the model from a measured time")]
    batch_sizes: Annotated[str, Column("those of the sweep, ascending, with spaces between")]


class BreakEvenLine(NamedTuple):
    """From how many epochs on a training with the faster way ends first, the first call included."""

    run: RunName
    machine: MachineName
    problem: Annotated[str, Column("generated from the problem's fields; begins with its name if it has one")]
    device: Device
    n_cores: Cores
    faster: Annotated[str, Column("the implementation whose later epochs are the shorter")]
    slower: Annotated[str, Column("the other")]
    n_epochs_cold: Annotated[int | None, Column("with empty disk caches; empty: never, or not known")]
    n_epochs_warm: Annotated[int | None, Column("with warm ones; empty: never")]


class CheckLine(NamedTuple):
    """One item of a row's fairness manifest: a fact that was checked by machine."""

    run: RunName
    machine: MachineName
    case: CaseName
    name: Annotated[str, Column("what was checked")]
    expected: Annotated[str, Column("what a fair row has")]
    found: Annotated[str, Column("what this one had")]
    holds: Annotated[bool | None, Column("whether that will do; empty: could not be checked")]
