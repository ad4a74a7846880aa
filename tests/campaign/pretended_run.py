"""A job whose `run` only pretends to measure: it loads nothing, waits, and copies a record made before."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from benchmarks.campaign import job

WRITING_S = 1.5
"""A run takes so long to write what it has measured: longer than submitit waits before it kills."""

PRETEND_S, RECORDS = "PRETEND_S", "PRETENDED_RECORDS"
"""Variables: how long it pretends to measure, and the folder of the records."""


def name_of(problem: str, *, interrupted: bool) -> str:
    """Return the name of a made record of one problem."""
    return f"{problem}-{'interrupted' if interrupted else 'whole'}.json"


def start() -> None:
    """Be a job, but for the measuring."""
    runpy.run_module = pretend_run  # type: ignore[assignment] # it takes less than the real one
    job.main()


def pretend_run(*_: object, **__: object) -> None:
    """Be `run`: print, wait, and write a record, of an interrupted run after SIGTERM."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    given = {name: value for name, _, value in (argument.partition("=") for argument in sys.argv)}
    interrupted = False
    try:
        sys.stdout.write(f"round 1 of 6: on GPU {os.environ.get('CUDA_VISIBLE_DEVICES')} (1 to go)\n")
        time.sleep(float(os.environ[PRETEND_S]))
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        interrupted = True
        time.sleep(WRITING_S)
    record = Path(os.environ[RECORDS], name_of(given["--problem"], interrupted=interrupted))
    shutil.copyfile(record, given["--output"])
