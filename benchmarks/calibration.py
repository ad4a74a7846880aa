"""What a machine's own noise is like: measured with both sides the same, and kept for later comparisons."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.decision import Category, conclude
from benchmarks.errors import UsageError
from benchmarks.launch import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.decision import Rule
    from benchmarks.environment import Provenance

CALIBRATIONS = ROOT / "results" / "calibration"
SCHEMA_VERSION = 1

N_RESAMPLES = 1000
SEED = 0
MOST_FALSE_ALARMS = 0.01  # of a case's comparisons, at the threshold that is chosen
POWER = 0.95  # of an effect that counts as detectable
STEP = 0.005  # in which thresholds and effects are tried

RENEW = "`perceptron-bench calibrate` makes a new one"


@dataclass(frozen=True, kw_only=True)
class CaseCalibration:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    ratios: tuple[float, ...]  # second / first process of each pair, both sides being the same
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute deviation
    threshold: float  # the smallest at which at most MOST_FALSE_ALARMS are raised, and at least the rule's
    false_alarms: float  # share of resampled comparisons called slower or faster, at that threshold
    undecided: float  # share called undecided
    detectable: float | None  # the smallest slowdown found in POWER of them; None: beyond what was tried


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """All cases calibrated on one machine."""

    date: str
    machine: dict[str, Any]  # what the fingerprint is taken of
    cases: dict[str, CaseCalibration]  # by name


def fingerprint(provenance: Provenance) -> dict[str, Any]:
    """Give what decides how noisy a machine is."""
    return {
        "cpu": provenance.cpu,
        "n_cpus": provenance.n_cpus,
        "gpu": provenance.gpu,
        "n_cores_used": provenance.n_cores_used,
        "system": provenance.system,
        "versions": provenance.versions,
    }


def key_of(machine: dict[str, Any]) -> str:
    """Name a machine: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()[:16]


def calibrate_case(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> CaseCalibration:
    """Judge a case by pairs whose two sides are the same, by resampling them."""
    logs = np.log(ratios)
    for threshold in np.arange(rule.threshold, 1.0, STEP).round(6).tolist():
        chosen = rule.with_threshold(threshold)
        shares = shares_of(ratios, chosen, n_cases=n_cases)
        if (alarms := shares[Category.SLOWER] + shares[Category.FASTER]) <= MOST_FALSE_ALARMS:
            break
    return CaseCalibration(
        ratios=tuple(ratios),
        noise=1.4826 * float(np.median(np.abs(logs - np.median(logs)))),
        threshold=chosen.threshold,
        false_alarms=alarms,
        undecided=shares[Category.UNDECIDED],
        detectable=_detectable(ratios, chosen, n_cases),
    )


def shares_of(
    ratios: Sequence[float], rule: Rule, *, n_cases: int, effect: float = 0.0, n_resamples: int = N_RESAMPLES
) -> dict[Category, float]:
    """Say how often the rule gives each category over pairs drawn from these, the new side made slower.

    A bootstrap (Efron & Tibshirani 1993, chapter 6) with a fixed seed.
    """
    generator = np.random.default_rng(SEED)
    drawn = generator.choice(np.asarray(ratios), (n_resamples, rule.max_pairs)) * (1 + effect)
    found = [conclude(pairs, rule, n_cases=n_cases).category for pairs in drawn.tolist()]
    return {category: found.count(category) / n_resamples for category in Category}


def _detectable(ratios: Sequence[float], rule: Rule, n_cases: int) -> float | None:
    for effect in np.arange(rule.threshold, 0.5, STEP).round(6).tolist():
        shares = shares_of(ratios, rule, n_cases=n_cases, effect=effect, n_resamples=N_RESAMPLES // 5)
        if shares[Category.SLOWER] >= POWER:
            return float(effect)
    return None


def save(calibration: Calibration, folder: Path = CALIBRATIONS) -> Path:
    """Write it, with the cases that were calibrated on this machine before and are not in it.

    Raises:
        UsageError: it can't be written.

    """
    path = folder / f"{key_of(calibration.machine)}.json"
    earlier = read_calibration(path).cases if path.exists() else {}
    fields = asdict(replace(calibration, cases=earlier | calibration.cases))
    partial = path.with_suffix(".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(
            json.dumps(fields | {"schema_version": SCHEMA_VERSION}, indent=1), encoding="utf-8"
        )
        partial.replace(path)
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror})"
        raise UsageError(message) from None
    return path


def read_calibration(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        UsageError: it can't be read, is another file, or of another schema.

    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if (found := fields.pop("schema_version")) != SCHEMA_VERSION:
            message = f"{path}: expected schema version {SCHEMA_VERSION}, found {found}; calibrate again"
            raise UsageError(message)
        cases = {name: CaseCalibration(**case) for name, case in fields.pop("cases").items()}
        return Calibration(**fields, cases=cases)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = (
            f"{path}: expected a calibration, found another file ({error!r}); remove it, calibrate again"
        )
        raise UsageError(message) from None


def find(provenance: Provenance, folder: Path = CALIBRATIONS) -> tuple[Calibration | None, str]:
    """Find this machine's calibration, and say in words how well it fits.

    Raises:
        UsageError: a calibration of this machine is there and can't be read.

    """
    machine = fingerprint(provenance)
    exact = folder / f"{key_of(machine)}.json"
    if exact.exists():
        calibration = read_calibration(exact)
        return calibration, f"calibration of {calibration.date}"
    hardware = ("cpu", "n_cpus", "gpu", "n_cores_used")
    for path in sorted(folder.glob("*.json")):
        calibration = read_calibration(path)
        if all(calibration.machine.get(name) == machine[name] for name in hardware):
            changed = [
                name for name in ("system", "versions") if calibration.machine.get(name) != machine[name]
            ]
            what = " and ".join(changed)
            return calibration, f"calibration of {calibration.date} is STALE ({what} changed since); {RENEW}"
    return None, f"no calibration of this machine, so thresholds are the defaults; {RENEW}"


def threshold_for(
    name: str, given: Mapping[str, float], known: Calibration | None, *, default: float
) -> float:
    """Choose a case's threshold: what the user says of a part of its name, else what calibration found."""
    fitting = [threshold for part, threshold in given.items() if part in name]
    if fitting:
        return fitting[-1]  # the last one said overrules
    calibrated = known.cases.get(name) if known else None
    return max(default, calibrated.threshold) if calibrated else default
