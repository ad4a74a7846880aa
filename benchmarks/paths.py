"""Where the code is, and where results go."""

import os
import tomllib
from pathlib import Path

CODE = Path(__file__).resolve().parent.parent
"""The folder of `benchmarks` and `impls`: a checkout, or the folder in which a wheel has them."""
IN_WHEEL = "perceptron_bench/code"
"""The latter, in site-packages."""
IMPLEMENTATIONS = CODE / "impls"

PUBLISHED = CODE / "results"
"""What the repository contains; `report --publish` writes it. Only a checkout has it."""
PUBLISHED_RUNS, PUBLISHED_PLOTS = PUBLISHED / "runs", PUBLISHED / "plots"


def real_path(path: Path) -> Path:
    """Follow links as far as they lead; before Python 3.13, Path.resolve ends with an error at a circle."""
    return Path(os.path.realpath(path))


def is_checkout(folder: Path) -> bool:
    """Return whether this project's pyproject.toml is in the folder."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return False
    return bool(project["name"] == "perceptron-bench")


def local_results(code: Path) -> Path:
    """Return PERCEPTRON_BENCH_RESULTS, else the folder in the checkout, else one in the current folder."""
    if named := os.environ.get("PERCEPTRON_BENCH_RESULTS"):
        return real_path(Path(named))
    return code / "results" / "local" if is_checkout(code) else Path.cwd() / "perceptron-bench-results"


LOCAL = local_results(CODE)
"""What the user measured; Git ignores it."""
LOCAL_RUNS = LOCAL / "runs"
LOOKS = LOCAL / "looks"  # of --quick; no report shows them
UNFINISHED = LOCAL / "unfinished"
CAMPAIGNS = LOCAL / "campaigns"
HISTORY = LOCAL / "history"
HEADERS = LOCAL / "headers"  # that PyTorch has compiled for its C++, for ten seconds
