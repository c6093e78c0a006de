"""Connections that end once they are late: a time-out for each byte stops no server that drips."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

DEFAULT = 60.0
"""Seconds where a connection has no time-out of its own."""


class Deadline:
    """Shuts a connection down at a time, which may be moved as long as all goes well."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._line = line
        self._changed = threading.Condition()
        self._at = time.monotonic() + seconds
        self._over = False
        self.missed = False
        threading.Thread(target=self._watch, daemon=True).start()

    def move(self, seconds: float) -> None:
        """From now on so many seconds are left."""
        self._at = time.monotonic() + seconds

    def end(self) -> None:
        """Nothing is waited for any more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._over and (left := self._at - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._over:
                return
            self.missed = True
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class Bounded:
    """A connection of urllib3 whose keys are agreed on, and whose head has come, in its time-out.

    Mixed into those of urllib3; `timeout` is what urllib3 has set for the stage.
    """

    timeout: float | None
    sock: socket.socket | None
    _line: socket.socket | None = None
    _opening: Deadline | None = None

    @contextmanager
    def bounded(self, seconds: float) -> Iterator[Deadline]:
        """What is done meanwhile ends after so many seconds. Raises TimeoutError where it did."""
        if self._line is None:
            raise OSError("closed connection")
        deadline = Deadline(self._line, seconds)
        try:
            yield deadline
        except Exception as error:
            if deadline.missed:
                raise TimeoutError("timed out") from error
            raise
        finally:
            deadline.end()
        if deadline.missed:
            raise TimeoutError("timed out")

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._line = made.dup()  # TLS takes the other one over
        self._opening = Deadline(self._line, self._limit)
        return made

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except Exception as error:
            self._hang_up()
            if self._opening and self._opening.missed:
                raise TimeoutError("timed out") from error
            raise
        finally:
            if self._opening:
                self._opening.end()

    def getresponse(self) -> Any:
        try:
            with self.bounded(self._limit):
                return super().getresponse()  # type: ignore[misc]
        except Exception:
            self._hang_up()
            raise

    def leave(self) -> None:
        """Hang up, unless the connection is kept for another request.

        Closing it does not: an answer may still be read from one that is closed.
        """
        if self.sock is None:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    @property
    def _limit(self) -> float:
        return self.timeout if isinstance(self.timeout, int | float) else DEFAULT
