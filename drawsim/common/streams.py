"""The standard streams as commands need them: any letter can be written, and Hydra adds nothing."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class WithoutHydra:
    """A stream that leaves out what Hydra adds to a job that has failed, and has said why."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """As the stream does."""
        own = text.startswith("Error executing job with overrides: ")
        return len(text) if own else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def speak_unicode() -> None:
    """Names of files and what is printed are UTF-8, whatever language the system is set to.

    Where Python was told otherwise it starts again, as this cannot be changed on the way. What no
    terminal can show is printed as an escape.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing is written to the streams of this process.

    By C libraries neither, nor by processes that are started meanwhile.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
