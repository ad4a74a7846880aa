"""The page as one file that contains all of its parts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from benchmarks.compare.result import Comparison
from benchmarks.files import explain_refusal, write_atomically
from benchmarks.records.run import Run

if TYPE_CHECKING:
    from benchmarks.report.plots.gallery import Gallery

SCRIPTS = (
    *("dom", "format", "data", "selection", "tip", "table"),
    *("details", "charts", "sections", "compiling", "main"),
)
"""The files of the page's own script, in order."""


NO_CACHE = (OSError, RuntimeError)
"""The errors of a folder that can't be used, and of a user without a home."""


@cache
def bundled() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the package that also draws the plots.

    To bundle them takes seconds, so the script is kept in the user's folder of caches.

    Raises:
        ImportError: it is not installed.
    """
    import vl_convert  # noqa: PLC0415 - part of an extra

    name = f"vega-of-vl-convert-{version('vl-convert-python')}.js"
    with suppress(*NO_CACHE):
        return (_caches() / name).read_text(encoding="utf-8")
    library: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    library = library.replace("</script", "<\\/script")
    with suppress(*NO_CACHE):
        _caches().mkdir(parents=True, exist_ok=True)
        write_atomically(_caches() / name, library)
    return library


def _caches() -> Path:
    """Return the user's folder of our caches, where `native_floor` keeps its library, too."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "perceptron-bench")


def write_page(
    runs: Sequence[Run],
    gallery: Gallery,
    path: Path,
    beside: Sequence[Run] = (),
    comparison: Comparison | None = None,
) -> None:
    """Write one HTML file that shows the runs, the ones beside them, all their plots, and a comparison.

    Raises:
        ImportError: a library is not installed; they are part of the extra `report`.
        UsageError: the file can't be written.
    """
    from benchmarks.report.html.payload import payload  # noqa: PLC0415 - needs an extra

    html = _page(payload(runs, gallery, beside, comparison), bundled())
    with explain_refusal(path, remedy="name another folder with -o"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html)


def _page(content: dict[str, Any], library: str) -> str:
    """Fill in the template.

    The data is compressed and in base64. Ten thousand rows are smaller than a photograph, and no string of a
    record can end the element or be read as markup.
    """
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "style": _read("page.css") + _read("tables.css"),
        "library": library,
        "script": "\n".join(_read(f"{name}.js") for name in SCRIPTS),
        "data": base64.b64encode(zlib.compress(text.encode(), 9)).decode(),
    }
    return Template(_read("template.html")).substitute(parts, policy=_policy(parts))


def _policy(parts: dict[str, str]) -> str:
    """Return a policy that allows these scripts and this style, by their digests, and no request."""
    allowed = {name: f"'sha256-{_digest(parts[name])}'" for name in ("style", "library", "script")}
    return (
        f"default-src 'none'; script-src {allowed['library']} {allowed['script']}; "
        f"style-src {allowed['style']}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")
