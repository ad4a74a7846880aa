"""Where each machine's own noise is kept, and how comparisons find the calibration that fits them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from filelock import FileLock

from benchmarks.compare.noise import CaseCalibration
from benchmarks.files import explain_refusal, try_to_replace, write_atomically
from benchmarks.paths import CALIBRATIONS
from benchmarks.records.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.compare.result import SideRecord
    from benchmarks.records.provenance import Provenance

LOCK = ".lock"
"""The name of an empty file in the folder of the calibrations, which stays there."""

REMEDY = "name another folder with --calibration"

RENEW = "`perceptron-bench calibrate` makes a new one"


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The properties of a machine that decide how noisy it is."""

    cpu: str
    n_cpus: int
    gpu: str | None
    system: str
    versions: dict[str, str]

    @classmethod
    def of(cls, provenance: Provenance) -> Fingerprint:
        """Return the properties of the machine in a provenance."""
        at = provenance.host
        return cls(cpu=at.cpu, n_cpus=at.n_cpus, gpu=at.gpu, system=at.system, versions=provenance.versions)

    @property
    def hardware(self) -> tuple[object, ...]:
        """Return the properties that no update of a package or of the system changes."""
        return (self.cpu, self.n_cpus, self.gpu)

    def path(self, folder: Path) -> Path:
        """Return where the machine's calibration is kept: under 16 hexadecimal digits of SHA-256."""
        key = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        return folder / f"{key}.json"

    def changes(self, now: Fingerprint) -> str:
        """Describe the differences other than hardware: "torch 2.13.0 → 2.14.0"."""
        before, after = ({"system": each.system, **each.versions} for each in (self, now))
        pairs = [(name, before.get(name, "none"), after.get(name, "none")) for name in before | after]
        return "; ".join(f"{name} {was} → {is_}" for name, was, is_ in pairs if was != is_)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """All cases calibrated on one machine."""

    date: str  # of the latest
    machine: Fingerprint
    cases: dict[str, CaseCalibration]  # by name


CALIBRATION = Schema(
    kind="calibration", key=None, version=3, remedy="remove it and calibrate again", holds=Calibration
)


def require_usable(provenance: Provenance, folder: Path = CALIBRATIONS) -> None:
    """Check before measuring that `save` can write this machine's calibration.

    Raises:
        UsageError: the folder can't be written, or this machine's file there is not a calibration.

    """
    path = Fingerprint.of(provenance).path(folder)
    with explain_refusal(path, remedy=REMEDY):
        try_to_replace(path)
    if path.exists():
        CALIBRATION.read(path)


def save(calibration: Calibration, folder: Path = CALIBRATIONS) -> Path:
    """Write it together with this machine's earlier cases that it does not contain.

    Raises:
        UsageError: it can't be written, or the file to merge it with is not a calibration.

    """
    path = calibration.machine.path(folder)
    with explain_refusal(path, remedy=REMEDY):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):  # else another process would overwrite cases that it has not read
            earlier = CALIBRATION.read(path).cases if path.exists() else {}
            merged = asdict(replace(calibration, cases=earlier | calibration.cases))
            text = json.dumps(merged | {"schema_version": CALIBRATION.version}, allow_nan=False, indent=1)
            write_atomically(path, text)
    return path


def find(provenance: Provenance, folder: Path = CALIBRATIONS) -> tuple[Calibration | None, str]:
    """Find this machine's calibration, else the latest of this hardware, and describe how well it fits.

    Raises:
        UsageError: a file that may be this machine's calibration can't be read.

    """
    machine = Fingerprint.of(provenance)
    exact = machine.path(folder)
    if exact.exists() and (calibration := CALIBRATION.read(exact)).machine == machine:
        return calibration, f"calibration of {calibration.date}"
    found = [CALIBRATION.read(path) for path in sorted(folder.glob("*.json"))]
    alike = [each for each in found if each.machine.hardware == machine.hardware]
    if not alike:
        return None, f"no calibration of this machine, so thresholds are the defaults; {RENEW}"
    latest = max(alike, key=lambda each: each.date)
    changes = latest.machine.changes(machine)
    return latest, f"calibration of {latest.date} is STALE (since then {changes}); {RENEW}"


def stale_sides(known: Calibration | None, provenance: Provenance, sides: Iterable[SideRecord]) -> list[str]:
    """Name the sides with versions that were not calibrated; `find` checks the harness's own versions."""
    if known is None:
        return []
    return [
        f"the calibration is STALE for {side.name}, which has other versions ({changes})"
        for side in sides
        if side.versions != provenance.versions
        and (changes := known.machine.changes(replace(known.machine, versions=side.versions)))
    ]
