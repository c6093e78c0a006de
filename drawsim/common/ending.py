"""How a command ends that somebody stops by a signal other than Ctrl-C's."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, by which services and jobs are stopped, do what Ctrl-C does.

    A signal to a whole group of processes ends those that read images, too. That they died is no
    news then: torch, which is told of each, would raise an error in the place of ours. Does nothing
    in a thread, or where somebody else answers the signal already.
    """
    first = threading.current_thread() is threading.main_thread()
    if not first or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        if hasattr(signal, "SIGCHLD"):  # not on Windows
            signal.signal(signal.SIGCHLD, lambda *_: None)  # Python complains of none at all
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
