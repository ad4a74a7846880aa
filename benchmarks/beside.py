"""A second process for what takes a report long and needs little of it: drawing, and bundling a library."""

from __future__ import annotations

import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Here(Executor):
    """Does at once, in this process, what it is asked to do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as Executor has it
        """Do it; what it raises is raised by whoever asks for the result."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - kept for whoever asks for the result
            done.set_exception(error)
        return done


@contextmanager
def beside(*, is_worth_it: bool) -> Iterator[Executor]:
    """Give what does work beside this process, or in it where another would take longer to begin, or can't.

    After an error what has not begun is left.
    """
    executor = _elsewhere() if is_worth_it else Here()
    try:
        yield executor
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


def _elsewhere() -> Executor:
    # Spawned, for a process with threads can't be forked safely; Ctrl-C is for this process to answer.
    with suppress(OSError):  # where a system allows no semaphores
        return ProcessPoolExecutor(
            max_workers=1,
            mp_context=get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),
        )
    return Here()
