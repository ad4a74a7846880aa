"""The part of the fairness manifest that a process tells which looks at an epoch instead of timing it."""

from __future__ import annotations
