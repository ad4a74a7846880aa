"""Where each machine's own noise is kept, and how comparisons find the one that fits them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from filelock import FileLock

from benchmarks.compare.noise import CaseCalibration
from benchmarks.files import told_if_unwritable, try_to_replace, write_atomically
from benchmarks.paths import CALIBRATIONS
from benchmarks.records.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.compare.result import SideRecord
    from benchmarks.records.provenance import Provenance

SCHEMA_VERSION = 3
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
        """Take them from a run's provenance."""
        return cls(**{field.name: getattr(provenance, field.name) for field in fields(cls)})

    @property
    def hardware(self) -> tuple[object, ...]:
        """Return the properties that no update of a package or of the system changes."""
        return (self.cpu, self.n_cpus, self.gpu)

    @property
    def key(self) -> str:
        """Name the machine: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """All cases calibrated on one machine."""

    date: str  # of the latest
    machine: Fingerprint
    cases: dict[str, CaseCalibration]  # by name


CALIBRATION = Schema(
    kind="calibration",
    key=None,
    version=SCHEMA_VERSION,
    remedy="remove it and calibrate again",
    holds=Calibration,
)


def require_usable(provenance: Provenance, folder: Path = CALIBRATIONS) -> None:
    """Find out before measuring whether `save` can do its part.

    Raises:
        UsageError: the folder can't be written, or this machine's file there is none of ours.

    """
    path = _path(Fingerprint.of(provenance), folder)
    with told_if_unwritable(path, remedy=REMEDY):
        try_to_replace(path)
    if path.exists():
        read_calibration(path)


def save(calibration: Calibration, folder: Path = CALIBRATIONS) -> Path:
    """Write it, with the cases that were calibrated on this machine before and are not in it.

    Raises:
        UsageError: it can't be written, or the file to merge it with is none of ours.

    """
    path = _path(calibration.machine, folder)
    with told_if_unwritable(path, remedy=REMEDY):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):  # else another process would overwrite cases that it has not read
            earlier = read_calibration(path).cases if path.exists() else {}
            merged = asdict(replace(calibration, cases=earlier | calibration.cases))
            text = json.dumps(merged | {"schema_version": SCHEMA_VERSION}, allow_nan=False, indent=1)
            write_atomically(path, text)
    return path


def _path(machine: Fingerprint, folder: Path) -> Path:
    return folder / f"{machine.key}.json"


def read_calibration(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        UsageError: it can't be read, is another file, of another schema, or was edited.

    """
    return CALIBRATION.read(path)


def find(provenance: Provenance, folder: Path = CALIBRATIONS) -> tuple[Calibration | None, str]:
    """Find this machine's calibration, else the latest of this hardware, and say in words how well it fits.

    Raises:
        UsageError: a file of the folder is no calibration that can be read; it may be this machine's.

    """
    machine = Fingerprint.of(provenance)
    exact = _path(machine, folder)
    if exact.exists() and (calibration := read_calibration(exact)).machine == machine:
        return calibration, f"calibration of {calibration.date}"
    found = [read_calibration(path) for path in sorted(folder.glob("*.json"))]
    alike = [each for each in found if each.machine.hardware == machine.hardware]
    if not alike:
        return None, f"no calibration of this machine, so thresholds are the defaults; {RENEW}"
    latest = max(alike, key=lambda each: each.date)
    changes = "; ".join(_changes(latest.machine, machine))
    return latest, f"calibration of {latest.date} is STALE (since then {changes}); {RENEW}"


def stale_sides(known: Calibration | None, provenance: Provenance, sides: Iterable[SideRecord]) -> list[str]:
    """Say which sides have other versions than were calibrated; `find` does of those with the harness's."""
    if known is None:
        return []
    return [
        f"the calibration is STALE for {side.name}, which has other versions ({changes})"
        for side in sides
        if side.versions != provenance.versions
        and (changes := "; ".join(_changes(known.machine, replace(known.machine, versions=side.versions))))
    ]


def _changes(then: Fingerprint, now: Fingerprint) -> Iterable[str]:
    """Say what differs besides the hardware: "torch 2.13.0 → 2.14.0"."""
    flat = [{"system": each.system, **each.versions} for each in (then, now)]
    for name in dict.fromkeys([*flat[0], *flat[1]]):
        before, after = (each.get(name, "none") for each in flat)
        if before != after:
            yield f"{name} {before} → {after}"
