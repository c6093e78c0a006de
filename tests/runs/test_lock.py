"""A run is worked on by one process; others hear which, and a dead one holds nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.runs.lock import locked

HOLD = """
import os, sys, time
from multiprocessing import get_context
from pathlib import Path
from drawsim.runs.lock import locked

def read():
    print(os.getpid(), flush=True)
    time.sleep(600)

with locked(Path(sys.argv[1])):
    if len(sys.argv) > 2:
        get_context(sys.argv[2]).Process(target=read).start()
    else:
        print(0, flush=True)
    time.sleep(600)
"""


def holder(run: Path, *arguments: str) -> tuple[subprocess.Popen[str], int]:
    """A process that holds a run, and the process that it started, if any."""
    command = [sys.executable, "-c", HOLD, str(run), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def test_it_is_held_while_it_lasts_and_leaves_nothing(tmp_path: Path) -> None:
    run = tmp_path / "study" / "name"
    for _ in range(2):
        with locked(run):
            note = json.loads((run.parent / ".name.lock.json").read_text(encoding="utf-8"))
            assert (note["host"], note["process"]) == (socket.gethostname(), os.getpid())
        assert list(run.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), locked(run):
        raise ZeroDivisionError
    assert list(run.parent.iterdir()) == []


def test_another_process_is_named(tmp_path: Path) -> None:
    run = tmp_path / "study" / "name"
    process, _ = holder(run)
    try:
        with pytest.raises(UserError) as error, locked(run):
            pytest.fail("two processes hold one run")
        said = str(error.value)
        assert said.startswith(f"{run}: running since 2")
        assert f"process {process.pid} on {socket.gethostname()}" in said
        assert "\n" not in said
        with locked(run.with_name("other")):
            pass
    finally:
        end(process)


def test_without_its_note_it_holds_as_well(tmp_path: Path) -> None:
    run = tmp_path / "study" / "name"
    process, _ = holder(run)
    try:
        (run.parent / ".name.lock.json").write_text("[]")
        with pytest.raises(UserError, match="running in another process"), locked(run):
            pytest.fail("two processes hold one run")
    finally:
        end(process)


def test_readers_that_outlive_a_killed_process_do_not_hold_its_run(tmp_path: Path) -> None:
    run = tmp_path / "study" / "name"
    process, reader = holder(run, "fork")
    end(process)
    try:
        os.kill(reader, 0)  # it is still there
        with locked(run):
            pass
    finally:
        os.kill(reader, signal.SIGKILL)
