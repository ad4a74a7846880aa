"""The ranks that train a model together: where each one is, how they decide alike, and what shows a hang."""

import faulthandler
import hashlib
import math
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from benchmarks.errors import ContractError
from benchmarks.worker.messages import Job
from impls.contract import Implementation, Ranks, SpansRanks

P = ParamSpec("P")
T = TypeVar("T")

ROUNDING = 1e-6
"""So much of a value, at most, may be lost on its way to the other ranks: JAX exchanges it in float32."""

LEAD_S = 1.0
"""So long before its time limit, a rank writes where it hangs; a fifth of the limit, if that is less."""


@dataclass(frozen=True)
class Group:
    """This rank and its connection to the others; a process that trains alone is the only one of its group.

    Ranks that decided each by its own clock would wait for each other forever: all of them must call the
    same function of the implementation next. So they decide by values that they have exchanged.
    """

    ranks: Ranks = field(default_factory=Ranks)
    exchange: Callable[[Sequence[float]], Sequence[float]] = list  # the implementation's `largest`
    leave: Callable[[], None] = lambda: None

    @property
    def tolerated(self) -> tuple[type[Exception], ...]:
        """The errors of an implementation after which a worker may go on.

        With several ranks there are none: the others wait for the rank that raises, until it ends.
        """
        return (Exception,) if self.ranks.n_ranks == 1 else ()

    def answer_of(self, probe: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T | None:
        """Return what a probe of the implementation found; None: it raised an error that is tolerated.

        It has raised the error on its own problem, too, where it is reported.

        Raises:
            Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
        """
        try:
            return probe(*arguments, **keywords)
        except self.tolerated:
            return None

    def rows(self, n_rows: int) -> slice:
        """Return this rank's rows of a batch."""
        rank, n_ranks = self.ranks.rank, self.ranks.n_ranks
        return slice(n_rows * rank // n_ranks, n_rows * (rank + 1) // n_ranks)

    def wait(self) -> None:
        """Wait until all ranks are here."""
        self.exchange((0.0,))

    def largest(self, values: Iterable[float]) -> list[float]:
        """Return the largest of each value over the ranks: of times, the slowest rank's.

        The implementation exchanges them, and so it could shorten its own times.

        Raises:
            ContractError: it returned less than a value of this rank, no number in its place, or not as many.
        """
        own = list(values)
        found = list(self.exchange(own))
        if len(found) != len(own):
            message = f"largest: expected {len(own)} values, as many as it got, found {len(found)}"
            raise ContractError(message)
        for value, largest in zip(own, found, strict=True):
            is_right = largest >= value or math.isnan(value) or math.isclose(largest, value, rel_tol=ROUNDING)
            if not is_right:  # also for NaN
                message = f"largest: expected at least this rank's {value:.7g}, found {largest:.7g}"
                raise ContractError(message)
        return found

    def slowest(self, seconds: float) -> float:
        """Return the longest of the ranks' times."""
        return self.largest([seconds])[0]

    def anyone(self, holds: object) -> bool:
        """Return whether it holds on some rank; all ranks get the same answer."""
        return self.slowest(bool(holds)) > 0

    def agree_on(self, text: str) -> bool:
        """Return whether all ranks have the same text; all of them get the same answer."""
        digest = hashlib.sha256(text.encode()).digest()
        return sum(self.largest([*digest, *(-byte for byte in digest)])) == 0


ALONE = Group()


def ranks_of(job: Job) -> Ranks:
    """Return this process's place among the job's ranks, as torchrun says it in the environment.

    The port is the one after MASTER_PORT, where torchrun's agent itself may listen.

    Raises:
        RuntimeError: the environment is not that of a rank of this job.
    """
    if job.n_ranks == 1:
        return Ranks()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    found = {name: os.environ.get(name) for name in names}
    if None in found.values() or found["WORLD_SIZE"] != str(job.n_ranks):
        message = (
            f"expected the variables of one of {job.n_ranks} ranks, as torchrun sets them, found {found}"
        )
        raise RuntimeError(message)
    rank, _, local_rank, address, port = map(str, found.values())
    return Ranks(
        rank=int(rank),
        n_ranks=job.n_ranks,
        local_rank=int(local_rank),
        address=address,
        port=int(port) + 1,
    )


def own_part(job: Job, ranks: Ranks) -> Job:
    """Return the job with this rank's CPUs only."""
    n_cpus = len(job.cpus) // ranks.n_ranks
    return replace(job, cpus=job.cpus[ranks.rank * n_cpus : (ranks.rank + 1) * n_cpus])


def see_own_gpu(ranks: Ranks) -> None:
    """Hide the other ranks' GPUs from this process. Call it before a framework loads."""
    if ranks.n_ranks > 1:
        listed = os.environ.get("CUDA_VISIBLE_DEVICES")
        own = ranks.local_rank
        os.environ["CUDA_VISIBLE_DEVICES"] = (
            str(own) if listed is None else ",".join(listed.split(",")[own : own + 1])
        )


def own_results(results_file: Path, ranks: Ranks) -> Path:
    """Return the file for this rank's answers."""
    return results_file if ranks.rank == 0 else Path(f"{results_file}.{ranks.rank}")


def dump_if_stuck(job: Job) -> None:
    """Write to the log where all threads are, shortly before this rank is killed for giving no new answer."""
    if job.n_ranks > 1:
        faulthandler.dump_traceback_later(job.worker_timeout_s - min(LEAD_S, job.worker_timeout_s / 5))


def join(implementation: Implementation, ranks: Ranks) -> Group:
    """Join the other ranks, before the framework's first use; alone, if the implementation spans no ranks.

    Raises:
        ValueError: there are several ranks, but it spans none.
    """
    if not getattr(implementation, "SPANS_RANKS", False):
        if ranks.n_ranks > 1:
            message = f"expected SPANS_RANKS = True of an implementation on {ranks.n_ranks} ranks, found none"
            raise ValueError(message)
        return ALONE
    spanning = cast("SpansRanks", implementation)
    spanning.join(ranks)
    if ranks.n_ranks == 1:
        return Group(leave=spanning.leave)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # JAX would only note it, and torchrun wait for 30 s
    return Group(ranks, spanning.largest, spanning.leave)
