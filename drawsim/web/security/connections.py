"""Connections that send too slowly are closed: heads and bodies that come a byte at a time.

Such connections cost their sender nothing, and fill a server that waits for each ("slowloris").
The rule is that of Apache's mod_reqtimeout: so many seconds to begin with, and for a body as many
more as what came of it takes at the least rate that is put up with.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
LEAST_RATE = 10_000
"""Bytes of a body that must come in each further second."""
REST_SECONDS = 5.0
REST_BYTES = 1 << 18
"""Of the rest of a body that was refused, which is thrown away so that the refusal arrives; more is
not read, and costs nothing, until its time is over."""
WAITING = 400
"""Connections that may wait for a request at a time; of more, the one that waits longest goes."""

Awaited = Literal["head", "body", "rest"]


def patience(awaited: Awaited, received: int) -> float:
    """Seconds from the beginning of a part within which so many bytes of it must have come."""
    if awaited == "body":
        return BODY_SECONDS + received / LEAST_RATE
    return HEAD_SECONDS if awaited == "head" else REST_SECONDS


class PatientProtocol(H11Protocol):
    """uvicorn's own protocol, with an end to its patience."""

    since = 0.0
    """When what is awaited began to be; by the loop's clock."""
    awaited: Awaited | None = None
    """What the client owes; None: it is the app's turn."""
    _received = 0
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look()
        ours = [each for each in self.connections if isinstance(each, PatientProtocol)]
        waiting = [each for each in ours if each.awaited is not None]
        if len(waiting) > WAITING:
            min(waiting, key=lambda each: each.since).drop()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        self._look()
        if self.awaited == "rest" and self._received > REST_BYTES:
            self.transport.pause_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._awaiting(None)
        super().connection_lost(exc)

    def drop(self) -> None:
        """End it without a word: nobody would read it."""
        self._awaiting(None)
        self.transport.abort()

    def _look(self) -> None:
        """Begin to wait anew where something else is awaited than before."""
        now: Awaited | None = None
        if self.transport.is_closing():
            now = None
        elif self.conn.their_state is h11.IDLE:
            now = "head"
        elif self.conn.their_state is h11.SEND_BODY:
            now = "body" if self.cycle is None or not self.cycle.response_complete else "rest"
        if now != self.awaited:
            self._awaiting(now)

    def _awaiting(self, what: Awaited | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.awaited, self.since, self._received = what, self.loop.time(), 0
        if what is not None:
            self._alarm = self.loop.call_later(patience(what, 0), self._check)

    def _check(self) -> None:
        """Look whether enough came by now."""
        assert self.awaited is not None
        if (
            self.flow.read_paused and self.awaited != "rest"
        ):  # the app does not listen at the moment
            self._awaiting(self.awaited)
            return
        left = self.since + patience(self.awaited, self._received) - self.loop.time()
        if left <= 0:
            self.drop()
        else:
            self._alarm = self.loop.call_later(left, self._check)
