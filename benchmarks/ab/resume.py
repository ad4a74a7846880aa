"""The folder where a comparison is measured, and where it resumes after an interruption."""

import contextlib
import secrets
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.result import SIDES
from benchmarks.files import write_atomically
from benchmarks.records.provenance import Provenance
from benchmarks.runner.resume import ResumeFolder


@dataclass
class Workplace:
    """The machine that measures, and a folder for the workers' files meanwhile."""

    folder: Path
    provenance: Provenance
    seed: str  # of the order of everything that is measured there
    n_recalled: int = 0  # processes with results from an earlier call
    is_done: bool = False  # the result is written: nothing is left to resume


@contextlib.contextmanager
def workplace(run_identity: object | None, provenance: Provenance) -> Iterator[Workplace]:
    """Open the folder of a comparison, which stays until the comparison is done; for None a temporary one.

    Raises:
        UsageError: this run is already in progress, or the folder can't be made.
    """
    if run_identity is None:
        with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as temporary:
            yield Workplace(Path(temporary), provenance, secrets.token_hex(8))
        return
    resume_folder = ResumeFolder.of(run_identity, provenance)
    forget_incomplete_pairs(resume_folder.folder)
    place = Workplace(resume_folder.folder, provenance, _seed_in(resume_folder.folder))
    try:
        yield place
    finally:
        if place.is_done or not resume_folder.n_workers:
            resume_folder.discard()
        else:
            resume_folder.release()


def _seed_in(folder: Path) -> str:
    """Return the seed that an earlier call drew, else draw one and keep it for later calls."""
    file = folder / "seed"
    if not file.exists():
        write_atomically(file, secrets.token_hex(8))
    return file.read_text(encoding="utf-8")


def forget_incomplete_pairs(folder: Path) -> None:
    """Remove each pair that lacks a side, so that it is measured again: its sides would be hours apart.

    An incomplete inspection is removed as a whole, because its first calls need empty caches.
    """
    ended: dict[str, set[str]] = defaultdict(set)
    for file in folder.glob("*.jsonl"):
        pair, side, _device, _n_cases = file.stem.rsplit("-", 3)  # see benchmarks.ab.pairs
        ended[pair] |= {side} if file.with_suffix(".report").exists() else set()
    incomplete = {pair for pair, sides in ended.items() if len(sides) < len(SIDES)}
    first = min((pair.rpartition("-")[0] for pair in ended), key=int, default="")  # which inspects
    if any(pair.startswith(f"{first}-") for pair in incomplete):
        incomplete |= {pair for pair in ended if pair.startswith(f"{first}-")}
        shutil.rmtree(folder / "caches", ignore_errors=True)
    for pair in incomplete:
        for file in folder.glob(f"{pair}-*"):
            file.unlink()
