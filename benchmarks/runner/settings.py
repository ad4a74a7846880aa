"""How a run measures."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to measure."""

    rounds: int = 6  # the fewest that allow a 95 % interval of a median; 0: verify and inspect only
    sample_s: float = 0.4
    worker_timeout_s: float = 120.0
    max_time_s: float | None = None  # begin no round that would end later, but each block's first one
    cpus: tuple[int, ...] = ()
    seed: int = 0  # of the shuffled order
    n_unseen: int = 1  # combinations of sizes; see benchmarks.cases.unseen
    caches: Path | None = None  # where compilers keep their output; None: a new, empty folder
