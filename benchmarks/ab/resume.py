"""Where a comparison is measured, and what is left there of the same comparison if it was killed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ab.pairs import SIDES
from benchmarks.runner.dispatch import INSPECTION
from benchmarks.runner.resume import ResumeFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.records.provenance import Provenance


@dataclass
class Workplace:
    """Where something is measured: on which machine, and a folder for workers' files meanwhile."""

    folder: Path
    provenance: Provenance
    n_recalled: int = 0  # processes of which there were results from before
    is_done: bool = False  # its result is written: nobody will go on


@contextlib.contextmanager
def workplace(run_identity: object | None, provenance: Provenance) -> Iterator[Workplace]:
    """Give the folder of a comparison, which stays until that is done; for None a temporary one.

    Raises:
        UsageError: another process is measuring the same, or the folder can't be made.

    """
    if run_identity is None:
        with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as temporary:
            yield Workplace(Path(temporary), provenance)
        return
    resume_folder = ResumeFolder.of(run_identity, provenance)
    forget_torn_pairs(resume_folder.folder)
    place = Workplace(resume_folder.folder, provenance)
    try:
        yield place
    finally:
        if place.is_done or not resume_folder.n_workers:
            resume_folder.discard()
        else:
            resume_folder.release()


def forget_torn_pairs(folder: Path) -> None:
    """Have each pair measured again of which a side is lacking: its sides would lie hours apart.

    So is the whole inspection, whose first calls find empty caches.
    """
    ended: dict[str, set[str]] = defaultdict(set)
    for file in folder.glob("*.jsonl"):
        pair, side, _device, _n_cases = file.stem.rsplit("-", 3)  # see benchmarks.ab.pairs
        ended[pair] |= {side} if file.with_suffix(".report").exists() else set()
    incomplete = {pair for pair, sides in ended.items() if len(sides) < len(SIDES)}
    if any(pair.startswith(f"{INSPECTION}-") for pair in incomplete):
        incomplete |= {pair for pair in ended if pair.startswith(f"{INSPECTION}-")}
        shutil.rmtree(folder / "caches", ignore_errors=True)
    for pair in incomplete:
        for file in folder.glob(f"{pair}-*"):
            file.unlink()
