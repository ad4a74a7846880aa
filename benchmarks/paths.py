"""Where the checkout, its implementations and its results are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPLEMENTATIONS = ROOT / "impls"

PUBLISHED = ROOT / "results"
"""What the repository contains; `report --publish` writes it."""
PUBLISHED_RUNS = PUBLISHED / "runs"

LOCAL = PUBLISHED / "local"
"""What this checkout's user measured; Git ignores it."""
LOCAL_RUNS = LOCAL / "runs"
LOOKS = LOCAL / "looks"  # of --quick; no report shows them
UNFINISHED = LOCAL / "unfinished"
HISTORY = LOCAL / "history"
CALIBRATIONS = LOCAL / "calibration"
