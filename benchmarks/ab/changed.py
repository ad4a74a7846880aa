"""The implementations that differ between the sides of a comparison though nobody asked for them."""

from __future__ import annotations
