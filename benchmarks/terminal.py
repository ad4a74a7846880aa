"""The terminal, as the commands print to it."""

from __future__ import annotations

import errno
import os

from rich.console import Console

WIDE = 200  # columns, where there is no terminal


class Terminal(Console):
    """A console that tells its command of a closed pipe: rich's own would leave with 1, "regression"."""

    def on_broken_pipe(self) -> None:
        """Print nothing from here on.

        Raises:
            BrokenPipeError: always, so that what is going on ends as on a full disk.

        """
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def wide_terminal() -> Terminal:
    """Give the terminal; where there is none, lines may be as long as they like."""
    found = Terminal()
    return found if found.is_terminal else Terminal(width=WIDE)
