"""A sign of life on a terminal: libraries take seconds to load, and a model to be made."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO, cast

PATIENCE = 2.0
"""Seconds without a word."""

_CLEAR = "\r\x1b[2K"
_NOT_SEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What moves the cursor, or colours: it leaves a line as empty as it was."""


@contextlib.contextmanager
def no_silence(patience: float = PATIENCE) -> Iterator[None]:
    """Say "working … 3 s" on a terminal while nothing else is said; the next word takes its place.

    Whatever is written goes through to the streams of before. Where standard error is no terminal,
    and in the further processes of a run, nothing is done.
    """
    if not sys.stderr.isatty() or os.environ.get("LOCAL_RANK", "0") != "0":
        yield
        return
    watch = _Watch(sys.stderr, patience)
    out, error = (cast("TextIO", _Watched(stream, watch)) for stream in (sys.stdout, sys.stderr))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            yield
        finally:
            watch.end()


class _Watch:
    """A thread that looks how long nothing was written."""

    def __init__(self, terminal: TextIO, patience: float) -> None:
        self._terminal = terminal
        self._patience = patience
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._spoke = time.monotonic()
        self._shown = False
        self._line = ""
        threading.Thread(target=self._look, name="silence", daemon=True).start()

    def write(self, stream: TextIO, text: str) -> int:
        """Write a text, after the sign is wiped off."""
        if (
            os.getpid() != self._process
        ):  # a fork has no such thread, and maybe a lock held for ever
            return stream.write(text)
        with self._lock:
            self._wipe()
            if stream.isatty():
                self._line = _NOT_SEEN.sub("", (self._line + text).rpartition("\n")[2])
            self._spoke = time.monotonic()
            return stream.write(text)

    def end(self) -> None:
        """Leave the terminal as it was; what is written from now on goes through."""
        self._ended.set()
        with self._lock:
            self._wipe()

    def _look(self) -> None:
        while not self._ended.wait(self._patience / 8):
            with self._lock:
                silent = time.monotonic() - self._spoke
                # A line that somebody has begun, a question for example, is left alone.
                if silent >= self._patience and not self._line and not self._ended.is_set():
                    self._shown = True
                    self._say(f"{_CLEAR}working … {silent:.0f} s")

    def _wipe(self) -> None:
        if self._shown:
            self._shown = False
            self._say(_CLEAR)

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone
            self._terminal.write(text)
            self._terminal.flush()


class _Watched:
    """A stream whose words are waited for."""

    def __init__(self, stream: TextIO, watch: _Watch) -> None:
        self._stream = stream
        self._watch = watch

    def write(self, text: str) -> int:
        """As the stream does."""
        return self._watch.write(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
