"""Hands our samples to pytest-benchmark through its public API: a clock that shows what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class ReplayClock:
    """A clock that stands at 0 until `tick` sets it to the next sample and `reset` sets it back.

    As the benchmark marker's `timer`, with `reset` as the setup and `tick` as the function to time, it makes
    pytest-benchmark record exactly the samples it was loaded with.
    """

    __name__ = "perceptron_bench_replay"  # what pytest-benchmark writes down as the timer

    def __init__(self) -> None:
        """Have no samples yet: they are measured after pytest has read the marker."""
        self._samples_s: Iterator[float] = iter(())
        self._now_s = 0.0

    def load(self, samples_s: Iterable[float]) -> None:
        """Show these samples, in seconds, one after another."""
        self._samples_s = iter(samples_s)

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self._now_s

    def reset(self) -> None:
        """Go back to 0."""
        self._now_s = 0.0

    def tick(self) -> None:
        """Let the next sample's time pass."""
        self._now_s = next(self._samples_s, 0.0)  # a profiler ticks once more
