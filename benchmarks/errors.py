"""Errors as messages for the user: expected, found, what to do."""

import difflib
from collections.abc import Iterable

MAX_NAMES = 20  # listed in a message

MAX_TEXT = 10_000
"""Characters of a message that a record stores."""


class UsageError(Exception):
    """An option or a file of the user can't be used; the message says all they need."""


class ContractError(ValueError):
    """An implementation returned something else than the contract says."""


def unknown_name(name: str, known: Iterable[str], *, kind: str) -> UsageError:
    """Return an error that lists the known names and suggests the one that was probably meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return UsageError(f"unknown {kind} {name!r}: expected one of {', '.join(names[:MAX_NAMES])}{more}.{hint}")


def shortened(text: str) -> str:
    """Return the text without its middle if it is long: a compiler may quote its whole program."""
    n_left_out = len(text) - MAX_TEXT
    if n_left_out <= 0:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]} … ({n_left_out:,} characters left out) … {text[-half:]}"
