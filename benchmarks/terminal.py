"""The console to which the commands print."""

import errno
import os
import shutil
from typing import Any

from rich.console import Console

WIDE = 240  # columns, where there is no terminal
USUAL = 80  # columns of a terminal that does not say how many it has
NARROWEST = 40
"""Nothing can be read in fewer columns: a smaller number is an error or stands for "unknown"."""


class Terminal(Console):
    """A console as wide as its terminal, or wide where it is a file or a pipe; COLUMNS sets another width.

    It reports a closed pipe to its command; rich's own exits with 1, "a case is slower".
    """

    def __init__(self, **keywords: Any) -> None:  # noqa: ANN401 - passed on to Console, which declares and checks them
        """Believe a width only if something can be read in it; rich prints nothing for COLUMNS=0."""
        super().__init__(**keywords)
        on_screen = self.file.isatty()
        if keywords.get("width") or (on_screen and self.width >= NARROWEST):
            return
        width = shutil.get_terminal_size((USUAL if on_screen else WIDE, 24)).columns
        self.width = width if width >= NARROWEST else USUAL

    def on_broken_pipe(self) -> None:
        """Print nothing from here on.

        Raises:
            BrokenPipeError: always, so that the command ends as it does on a full disk.
        """
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
