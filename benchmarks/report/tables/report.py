"""Runs → pages: every table on the terminal and in Markdown; every figure comes from the record."""

from __future__ import annotations
