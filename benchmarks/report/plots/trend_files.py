"""Trends → a plot in a file; needs an extra only when one is written."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal
from benchmarks.track.change_points import Segmentation

SUFFIXES = (".svg", ".png")


def require_format(path: Path) -> None:
    """Check that the file's name is that of a plot.

    Raises:
        UsageError: it ends in none of SUFFIXES.
    """
    if path.suffix not in SUFFIXES:
        message = f"--plot: expected a file that ends in {' or '.join(SUFFIXES)}, found {path}"
        raise UsageError(message)


def write_plot(segmented: Sequence[Segmentation], path: Path) -> None:
    """Plot the trends one below the other, in the format of the file's suffix.

    Raises:
        UsageError: a library is not installed, or the file can't be written.
    """
    try:
        import vl_convert  # noqa: F401, PLC0415 - altair writes with it; both are part of an extra

        from benchmarks.report.plots.trend import chart_of  # noqa: PLC0415 - needs altair
    except ImportError as error:
        message = f"--plot needs more packages ({error}): pip install 'perceptron-bench[report]'"
        raise UsageError(message) from None
    with explain_refusal(path, remedy="name another file with --plot"):
        path.parent.mkdir(parents=True, exist_ok=True)
        chart_of(segmented).save(path, scale_factor=2)
