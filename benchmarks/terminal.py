"""The console to which the commands print."""

import errno
import os

from rich.console import Console

WIDE = 200  # columns, where there is no terminal


class Terminal(Console):
    """A console that reports a closed pipe to its command; rich's own exits with 1, "a case is slower"."""

    def on_broken_pipe(self) -> None:
        """Print nothing from here on.

        Raises:
            BrokenPipeError: always, so that the command ends as it does on a full disk.
        """
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def wide_terminal() -> Terminal:
    """Return the terminal, or a wide console where the output is a file or a pipe."""
    found = Terminal()
    return found if found.is_terminal else Terminal(width=WIDE)
