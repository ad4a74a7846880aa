"""`ab --metric instructions`: what can be counted, and what its report says of it."""

from __future__ import annotations
