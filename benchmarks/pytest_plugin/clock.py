"""A clock that replays our samples to pytest-benchmark, through its public API."""

from collections.abc import Iterable, Iterator


class ReplayClock:
    """A clock whose `tick` takes as long as the next sample, and whose `reset` sets it back to 0.

    With it as the benchmark marker's `timer`, `reset` as the setup and `tick` as the function to time,
    pytest-benchmark records exactly the loaded samples.
    """

    __name__ = "perceptron_bench_replay"  # pytest-benchmark records it as the timer

    def __init__(self) -> None:
        """Start without samples: they are measured after pytest has read the marker."""
        self._samples_s: Iterator[float] = iter(())
        self._now_s = 0.0

    def load(self, samples_s: Iterable[float]) -> None:
        """Replay these samples, in seconds."""
        self._samples_s = iter(samples_s)

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._now_s

    def reset(self) -> None:
        """Set the clock to 0."""
        self._now_s = 0.0

    def tick(self) -> None:
        """Advance by the next sample."""
        self._now_s = next(self._samples_s, 0.0)  # a profiler calls it once more
