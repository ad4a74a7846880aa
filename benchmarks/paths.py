"""Where the checkout, its implementations and its results are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


UNFINISHED = ROOT / "results" / "unfinished"


HISTORY = ROOT / "results" / "history"


IMPLEMENTATIONS = Path(__file__).resolve().parent.parent / "impls"


RESULTS = ROOT / "results"


RUNS = RESULTS / "runs"


LOOKS = RESULTS / "looks"  # of --quick; not published


CALIBRATIONS = ROOT / "results" / "calibration"
