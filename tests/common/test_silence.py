"""The sign of life, on terminals that are simulated."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from drawsim.common.silence import no_silence

CLEAR = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def watched(patience: float) -> Iterator[Terminal]:
    """Standard output and error are the same terminal, which is not left in silence."""
    terminal = Terminal()
    with redirect_stdout(terminal), redirect_stderr(terminal):
        with no_silence(patience):
            yield terminal
        print("after", file=sys.stderr)


def wait_for_the_sign(terminal: Terminal) -> None:
    end = time.monotonic() + 60
    while not terminal.getvalue().endswith(" s"):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_silence_is_broken_and_the_next_word_takes_its_place() -> None:
    with watched(0.02) as terminal:
        print("begun")
        wait_for_the_sign(terminal)
        print("done", file=sys.stderr)
        wait_for_the_sign(terminal)
    first, *signs = terminal.getvalue().split(CLEAR)
    assert first == "begun\n"
    assert "done\n" in signs
    assert signs[-1] == "after\n"
    own = ("", "done\n", "after\n")
    assert all(sign in own or sign.startswith("working … ") for sign in signs)


def test_a_line_that_was_begun_stays() -> None:
    with watched(0.005) as terminal:
        print("which one? ", end="")
        time.sleep(0.1)
        assert terminal.getvalue().endswith("which one? ")
        print("\n\x1b[?25l\r", end="")  # a bar that ends leaves such behind
        wait_for_the_sign(terminal)


def test_streams_that_are_no_terminal_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with no_silence(0.001):
        assert sys.stderr is plain
        time.sleep(0.02)
    assert plain.getvalue() == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_writes_without_the_watch() -> None:
    reading, writing = os.pipe()
    with watched(0.02) as terminal:
        if os.fork() == 0:  # its copy of the terminal is its own
            before = len(terminal.getvalue())
            print("from the fork")
            os.write(writing, terminal.getvalue()[before:].encode())
            os._exit(0)
        os.close(writing)
        os.wait()
        assert os.read(reading, 100).endswith(b"from the fork\n")
