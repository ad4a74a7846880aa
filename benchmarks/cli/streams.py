"""Standard output and error, guarded: what can't be printed must not look like a result."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, cast

from benchmarks.cli.parser import OUTPUT_LOST, PIPE_CLOSED

NOWHERE = Path(os.devnull)


class Guarded:
    """A text stream that fails at most once: what is written after that goes nowhere."""

    def __init__(self, stream: TextIO, *, silent: bool) -> None:
        """Guard the stream; a `silent` one does not even raise its first failure."""
        self._stream = stream
        self._silent = silent
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> object:
        """Return the stream's own attribute."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, and return its length.

        Raises:
            OSError: it is the first that can't be written.
        """
        with self._guarded():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines.

        Raises:
            OSError: it is the first that can't be written.
        """
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what is buffered.

        Raises:
            OSError: it is the first that can't be written.
        """
        with self._guarded():
            self._stream.flush()

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.failure:
                return
            self.failure = error
            # What is still buffered goes nowhere, too: else Python would try again in the end.
            with contextlib.suppress(OSError, ValueError), NOWHERE.open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
            if not self._silent:
                raise


@contextlib.contextmanager
def guarded_streams() -> Iterator[Guarded]:
    """Guard standard output and error within the block, and return the guarded output.

    A closed stream is replaced by one that goes nowhere, so that no file takes its number. A character that
    standard output can't encode is replaced.

    Raises:
        SystemExit: standard output could not be written; with its own status.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, NOWHERE.open(mode, encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    output, errors = Guarded(sys.stdout, silent=False), Guarded(sys.stderr, silent=True)
    with (
        contextlib.redirect_stdout(cast("TextIO", output)),
        contextlib.redirect_stderr(cast("TextIO", errors)),
    ):
        try:
            yield output
        finally:
            with contextlib.suppress(OSError):
                output.flush()
            status = _status(output.failure) if output.failure else None
            errors.flush()
            if status:
                raise SystemExit(status)


def _status(failure: OSError) -> int:
    """Return the exit status; the reader of a closed pipe needs no message."""
    if isinstance(failure, BrokenPipeError):
        return PIPE_CLOSED
    sys.stderr.write(f"perceptron-bench: standard output can't be written ({failure.strerror})\n")
    return OUTPUT_LOST
