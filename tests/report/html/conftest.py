"""A browser that opens pages and fails a test on any request, warning or error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.helpers.pages import BROWSER, BROWSERS, typical_run, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize


class Open(Protocol):
    def __call__(
        self, path: Path, choice: str = ..., *, viewport: ViewportSize | None = ..., **media: Any
    ) -> Page:
        """Open the page, with that choice in its address, in a window of that size and those media."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a browser, unless there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")
    if BROWSER is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def typical(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a typical run."""
    return written(tmp_path_factory.mktemp("page"), typical_run(), drawn=True)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a typical run, which draws no plots."""
    return written(tmp_path_factory.mktemp("plain"), typical_run())


@pytest.fixture(scope="session")
def context(browser: Browser) -> BrowserContext:
    """Begin a session of the browser for all pages: they keep nothing in it."""
    return browser.new_context()


@pytest.fixture
def opened(context: BrowserContext) -> Iterator[Open]:
    """Open pages; none may request anything or complain."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_(path: Path, choice: str = "", *, viewport: ViewportSize | None = None, **media: Any) -> Page:
        page = context.new_page()
        if viewport:
            page.set_viewport_size(viewport)
        page.emulate_media(**media)
        address = path.resolve().as_uri()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url.replace(address, "")))
        page.goto(f"{address}#{choice}")
        page.wait_for_selector("html[data-ready]")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert [each for each in complaints if each and not each.startswith("#")] == []
