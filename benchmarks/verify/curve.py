"""A training's losses beside the reference's, thinned to what a picture needs and a record can hold."""

from __future__ import annotations
