"""The process of a slot's job: `perceptron-bench run`, which ends with the campaign that started it here.

python -m benchmarks.campaign.job CAMPAIGN run ARGUMENT…

CAMPAIGN is the process that it must not survive; 0: none, for the scheduler of a cluster ends its jobs.
"""

import contextlib
import os
import runpy
import select
import signal
import sys
import threading
import time


def end_with(process: int) -> None:
    """Send this process SIGTERM, at which `run` writes what it has measured, when the other one has ended."""
    _wait_for(process)
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(process: int) -> None:
    """Wait until the process has ended."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError), os.fdopen(os.pidfd_open(process), "rb") as ends:
            select.select([ends], [], [])
            return
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            time.sleep(1)


def main() -> None:
    """Become `perceptron-bench` with the arguments that follow the number of the campaign's process."""
    campaign = int(sys.argv.pop(1))
    # submitit's signal that the time is nearly up.
    signal.signal(signal.SIGUSR2, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    if campaign:
        threading.Thread(target=end_with, args=(campaign,), daemon=True).start()
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
