"""A worker that does as much as in a run, but for less long.

It is started by `benchmarks.runner.launch` where `WORKER` names this module.
"""

from __future__ import annotations

import runpy

from benchmarks.worker import measure, trials
from benchmarks.worker.inspection import threads

HURRIED = (
    (threads, "WATCHED_S", 0.01),  # it is 0.3 s for each problem that is inspected
    (measure, "TRIES", 1),  # beside other tests, most times seem to be below their cost
    (measure, "MOST", 0),  # so two trainings are timed
    (trials, "SHORT_S", 0.0),  # so most trials are an epoch or two
    (trials, "DIFFERENCE_S", 1e-6),
)
"""What a hurried worker does for less long: module, name and value."""


if __name__ == "__main__":
    for module, name, value in HURRIED:
        setattr(module, name, value)
    runpy.run_module("benchmarks.worker", run_name="__main__", alter_sys=True)
