"""Ctrl-C, SIGTERM and SIGHUP end the measuring, but not the writing of what was measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE
from benchmarks.runner.signals import SIGNALS, interruptible, uninterrupted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_the_measuring_and_waits_for_the_end_of_the_writing(number: int) -> None:
    before, done = [signal.getsignal(each) for each in SIGNALS], []

    @interruptible()
    def measure() -> None:
        signal.raise_signal(number)
        done.append("measured on")

    @uninterrupted()
    def measure_and_write() -> None:
        with pytest.raises(KeyboardInterrupt):
            measure()
        signal.raise_signal(number)
        done.append("written")

    with pytest.raises(KeyboardInterrupt):
        measure_and_write()

    assert done == ["written"]
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_signal_that_came_before_the_measuring_interrupts_it_at_once() -> None:
    done = []

    @uninterrupted()
    def prepare_and_measure() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
        done.append("prepared")
        with interruptible():
            done.append("measured")

    with pytest.raises(KeyboardInterrupt):
        prepare_and_measure()

    assert done == ["prepared"]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_without_a_signal_nothing_is_raised() -> None:
    with uninterrupted(), interruptible():
        pass


WITHOUT_TERMINAL = """
import os, sys, time
from pathlib import Path
from benchmarks.runner.signals import held
os.dup2(os.open(sys.argv[1], os.O_RDWR), 1)  # the first terminal that a session opens is its own
with held() as hold:
    print("ready", flush=True)
    while not hold.came:
        time.sleep(0.001)
    print("nobody reads this", flush=True)
    Path(sys.argv[2]).write_text("written")
"""


def test_after_the_terminal_is_gone_output_goes_nowhere_and_does_no_harm(tmp_path: Path) -> None:
    master, slave = os.openpty()
    command = [sys.executable, "-c", WITHOUT_TERMINAL, os.ttyname(slave), str(tmp_path / "result")]
    with subprocess.Popen(command, cwd=CODE, start_new_session=True) as process:  # noqa: S603 - ours
        assert os.read(master, 5) == b"ready"
        os.close(slave)
        os.close(master)

    assert process.returncode == 0
    assert (tmp_path / "result").read_text() == "written"
