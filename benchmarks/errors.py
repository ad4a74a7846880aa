"""What went wrong, for the person at the terminal: expected, found, what to do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NAMES = 20
"""That a message lists."""


class UsageError(Exception):
    """Something the user asked for or handed over can't be used; the message is all they need."""


def unknown_name(name: str, known: Iterable[str], *, kind: str) -> UsageError:
    """Say that the name is unknown, which ones are known, and which one was probably meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return UsageError(f"unknown {kind} {name!r}: expected one of {', '.join(names[:MAX_NAMES])}{more}.{hint}")
