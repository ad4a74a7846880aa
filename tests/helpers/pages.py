"""Pages made up for tests, and the browser that opens them."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.records.row import Verdict
from benchmarks.report.html.page import write_page
from benchmarks.verify.agreement import loss_curve
from impls.contract import Problem
from tests.helpers.records import AGREEMENT, row
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Page, ViewportSize

    from benchmarks.compare.result import Comparison
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

PHONE: ViewportSize = {"width": 390, "height": 844}

DRAWS_NOTHING = "window.vegaEmbed = async () => {};"
"""In place of the library that draws: it takes a browser a second."""

LOSSES = np.geomspace(0.7, 0.1, 12)
STEPS = replace(AGREEMENT, curve=loss_curve(LOSSES, LOSSES + 1e-7))

MINIMA_S: dict[str, tuple[str, str, Sequence[float]]] = {
    "torch_eager": ("torch", "eager", (100e-6, 101e-6, 102e-6, 99e-6, 103e-6, 100e-6)),
    "jax_nojit": ("jax", "eager", (900e-6, 910e-6, 905e-6, 899e-6, 930e-6, 901e-6)),
    "torch_step": ("torch", "step", (20e-6, 21e-6, 20.5e-6, 20.2e-6, 20.1e-6, 20.3e-6)),
    "jax_jit": ("jax", "step", (15e-6, 15.3e-6, 15.1e-6, 15.2e-6, 15.4e-6, 15e-6)),
    "native_floor": ("numpy", "floor", (1e-6, 1.01e-6, 1.02e-6, 1e-6, 1.03e-6, 1.01e-6)),
}
"""By implementation: framework, tier and the fastest epoch of each round."""

ABSENT = row(
    "torch_cudagraph_step",
    tier="step",
    problem=Problem(),
    verdict=Verdict.NOT_MEASURED,
    reason="CUDA graphs run on CUDA devices only",
    agreement=None,
    costs=None,
    manifest=(),
    processes=(),
)


def payload_of(html: str) -> dict[str, Any]:
    """Return the data of a page."""
    found = re.search(r'<script type="application/octet-stream" id="data">([^<]*)</script>', html)
    assert found
    content: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found[1])))
    return content


def rows_of(problem: Problem, **changes: object) -> list[Row]:
    """Make a row for each implementation of MINIMA_S."""
    return [
        timed(name, minima_s, framework=framework, tier=tier, problem=problem, agreement=STEPS, **changes)
        for name, (framework, tier, minima_s) in MINIMA_S.items()
    ]


def typical_run(*more: Row) -> Run:
    """Make a run of two problems, one of them fed in two ways."""
    wide, fed = Problem(n_features=256, n_batches=20), Problem(feed="host")
    return run_of_day(0, *rows_of(Problem()), ABSENT, *rows_of(wide), *rows_of(fed), *more)


def many_rows(n: int) -> Run:
    """Make a run of one group with that many implementations."""
    first = rows_of(Problem())[0]
    others = (replace(first, implementation=f"impl_{i:05}") for i in range(n - 1))
    return run_of_day(0, first, *others)


def written(
    folder: Path,
    *runs: Run,
    beside: Sequence[Run] = (),
    against: Comparison | None = None,
    drawn: bool = False,
) -> Path:
    """Write the page of these runs; what draws its plots, and the plots of records, are in it if `drawn`.

    Skip the test without the packages that it needs.
    """
    pytest.importorskip("vl_convert")
    gallery = pytest.importorskip("benchmarks.report.plots.gallery", reason="needs the extra `report`")
    path = folder / "index.html"
    with pytest.MonkeyPatch.context() as patch:
        if not drawn:
            patch.setattr("benchmarks.report.html.page.bundled", lambda: DRAWS_NOTHING)
        write_page(runs, gallery.plots_of([*runs, *beside]) if drawn else {}, path, beside, against)
    return path


def column(page: Page, name: str) -> list[str]:
    """Return the texts of a column of the page's table."""
    return page.locator(f"#table tbody .is-{name}").all_inner_texts()


def names(page: Page) -> list[str]:
    """Return the implementations in the page's table."""
    return page.locator("#table .implementation").all_inner_texts()
