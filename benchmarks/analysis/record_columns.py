"""The columns of tables that repeat what a record holds.

The classes only declare them; a line is a run, a process, a point of a curve or a check, as records have it.
"""

from dataclasses import dataclass

from benchmarks.analysis.cells import NO_FIGURE
from benchmarks.analysis.columns import column
from benchmarks.records.caption import packages


@dataclass
class RunKey:
    """The name of a run."""

    run: str = column("when the run began, which names it; ISO 8601")
    machine: str = column("the machine's name")


@dataclass
class CaseKey(RunKey):
    """The name of a row of a run."""

    case: str = column("implementation, device and problem; with run and machine it finds the figures")


@dataclass
class RunLine:
    """Where and with which software a run was measured."""

    system: str = column("operating system and kernel", value=lambda run: run.provenance.host.system)
    cpu: str = column("model of the machine's processor", value=lambda run: run.provenance.host.cpu)
    n_cpus: int = column("CPUs of the machine", value=lambda run: run.provenance.host.n_cpus)
    gpu: str | None = column("models and drivers of its GPUs", value=lambda run: run.provenance.host.gpu)
    pinned_to: str = column(
        "numbers of the CPUs for the workers; empty if the system can't pin",
        value=lambda run: " ".join(map(str, run.provenance.host.pinned_to)),
    )
    versions: str = column(
        "versions of Python and the frameworks", value=lambda run: packages(run.provenance.versions)
    )
    commit: str | None = column(
        "commit of the harness, with a note if files had changed", value=lambda run: run.provenance.commit
    )
    suite: str | None = column(
        "the suite that was measured, if one was named", value=lambda run: run.settings.suite
    )
    n_rounds: int = column("rounds asked for", value=lambda run: run.settings.rounds)
    is_quick: bool = column("whether it was a quick look", value=lambda run: run.settings.quick)
    interrupted: str | None = column(
        "the interruption, if there was one", value=lambda run: run.settings.interrupted
    )


@dataclass
class ProcessLine:
    """What one fresh process measured; the quantiles are those of all its samples."""

    round: int = column("counted from 0", title="round", cell=lambda process: str(process.round + 1))
    position: int = column(
        "place in the round's shuffled order, from 0",
        title="place",
        priority=2,
        cell=lambda process: str(process.position + 1),
    )
    n_samples: int = column("epochs that were timed; over ranks, trainings", title="samples", priority=1)
    min_s: float = column(
        "the fastest epoch: ratios are made of it; over ranks, the fastest training's mean",
        "s",
        title="min",
    )
    q1_s: float = column(
        "a quarter of the epochs took at most this long", "s", title="quartile 1", priority=3
    )
    median_s: float = column("half of the epochs took at most this long", "s", title="median")
    q3_s: float = column(
        "three quarters of the epochs took at most this long", "s", title="quartile 3", priority=3
    )
    max_s: float = column("the slowest epoch", "s", title="max", priority=1)
    mean_s: float | None = column("the mean, by which no speed is judged; missing: not recorded", "s")
    first_call_s: float | None = column(
        "place, prepare and the first epoch, with all compiling, with warm disk caches; missing: they were "
        "empty",
        "s",
        title="first call",
        priority=1,
    )
    marginal_s: float | None = column(
        "what an epoch costs in whole trainings on unseen data; missing: not recorded", "s"
    )
    cpu_per_wall: float = column(
        "CPU time over wall time: 1 is one core, fully used",
        title="CPU/wall",
        priority=1,
        cell=lambda process: f"{process.cpu_per_wall:.2f}",
    )
    power_w: float | None = column(
        "mean power of the whole device while trainings were timed; missing: not to be had here",
        "W",
        title="power",
        priority=2,
        if_known=True,
    )


@dataclass
class LossLine:
    """A point of a loss curve: of the process that was furthest from the reference, thinned."""

    step: int = column("counted from 1")
    loss: float | None = column("mean binary cross-entropy of the step's batch; missing: not finite")
    reference_loss: float = column("loss of the reference at the same step")
    max_deviation: float | None = column(
        "largest |loss - reference| of this step and those since the line before"
    )


@dataclass
class CheckLine:
    """One item of a row's fairness manifest: a fact that was checked by machine."""

    name: str = column("what was checked", title="checked")
    expected: str = column("what a fair row has", title="expected")
    found: str = column("what this row has", title="found")
    holds: bool | None = column(
        "whether that is fair; missing: could not be checked",
        title="result",
        cell=lambda check: {True: "holds", False: "FAILS", None: NO_FIGURE}[check.holds],
    )
