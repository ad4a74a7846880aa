"""One item of the fairness manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that was looked at."""

    name: str
    expected: str
    found: str
    holds: bool | None  # None: not to be seen here, or told for the reader to know

    @property
    def fault(self) -> str:
        """Say what is wrong, for an item that does not hold."""
        return f"{self.name}: expected {self.expected}, found {self.found}"


def count(name: str, expected: int, found: int | None) -> Item:
    """Check a number that must be just so; None is one that is not to be seen."""
    holds = None if found is None else found == expected
    return Item(name=name, expected=str(expected), found=or_unseen(found, "{}"), holds=holds)


def or_unseen(value: float | None, form: str) -> str:
    """Write a figure in the given form, if there is one."""
    return "not to be seen" if value is None else form.format(value)
