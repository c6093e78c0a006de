"""SIGTERM, to a command alone or to all of its processes, ends it as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drawsim.common.ending import ended_by_sigterm

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes")

GROUP = """
import os, signal, subprocess, sys
from drawsim.common.ending import ended_by_sigterm

def of_a_reader(number, frame):  # as torch, which calls it an error that one of its readers died
    raise RuntimeError("DataLoader worker is killed by signal: Terminated")

signal.signal(signal.SIGCHLD, of_a_reader)
reader = subprocess.Popen([sys.executable, "-c", "import signal; print(); signal.pause()"],
                          stdout=subprocess.PIPE)
reader.stdout.readline()
try:
    with ended_by_sigterm():
        os.killpg(0, signal.SIGTERM)
        signal.pause()
except KeyboardInterrupt:
    print(reader.wait(), signal.getsignal(signal.SIGTERM).name)
"""


def test_readers_that_die_of_the_same_signal_say_nothing() -> None:
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", GROUP],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        start_new_session=True,  # a group of its own
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{-signal.SIGTERM} SIG_DFL\n", "")


def test_who_answers_the_signal_already_goes_on_to() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with ended_by_sigterm():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
