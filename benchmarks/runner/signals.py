"""Ctrl-C, SIGTERM and SIGHUP end the measuring, but not the writing of what was measured."""

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = "Ctrl-C, SIGTERM or SIGHUP"


class Hold:
    """A handler that keeps a signal for later."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.came = False

    def __call__(self, number: int, _: object) -> None:
        """Keep it."""
        self.came = True
        _leave_a_closed_terminal(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at a signal, at once if one was held back until now.

    CI systems end a run by SIGTERM, a closed terminal by SIGHUP.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if isinstance(handler, Hold) and handler.came:
        raise KeyboardInterrupt
    with _handled_by(_interrupt):
        yield


@contextmanager
def held() -> Iterator[Hold]:
    """Hold the signals back."""
    before = signal.getsignal(signal.SIGTERM)
    hold = before if isinstance(before, Hold) else Hold()
    with _handled_by(hold):
        yield hold


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold the signals back except within `interruptible`; raise KeyboardInterrupt at the end if one came."""
    is_outermost = not isinstance(signal.getsignal(signal.SIGTERM), Hold)
    with held() as hold:
        yield
    if is_outermost and hold.came:
        raise KeyboardInterrupt


def _interrupt(number: int, _: object) -> None:
    _leave_a_closed_terminal(number)
    raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Set the handler; a signal that is ignored stays so, as `nohup` asks for SIGHUP."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: each for number, each in before.items() if each not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _leave_a_closed_terminal(number: int) -> None:
    """Print into nothing from here on, if SIGHUP means that the terminal is gone: it refuses all output."""
    for descriptor in (1, 2) if number == signal.SIGHUP else ():
        with suppress(OSError):  # it was closed before
            if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
