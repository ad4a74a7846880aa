"""Runs → one page that opens offline: `write_page`."""

from benchmarks.page.page import payload_of, write_page

__all__ = ["payload_of", "write_page"]
