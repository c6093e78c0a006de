"""How one host is treated: one request at a time, so many a second, and pauses that it asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from drawsim.common.errors import UserError

LONGEST_PAUSE = 60.0
"""Seconds between two attempts where a host says nothing of it."""
GIVEN_UP = 3
"""So many addresses in a row that could not be had, and a host is asked no more."""

LATE = 0.1
"""Of the time between two requests: so much later one may be asked without delaying the next."""


@dataclass(frozen=True)
class Manners:
    """rate: requests a second of one host. attempts: at one address. timeout: seconds without a
    byte, and for the head of an answer. patience: seconds that are waited at most if a host asks
    for a pause. allow_private: addresses of this machine and its own network may be asked too.
    contact: an e-mail address or page that hosts are told, so that they can complain.

    Raises UserError for numbers out of their bounds.
    """

    rate: float = 2.0
    attempts: int = 5
    timeout: float = 60.0
    patience: float = 600.0
    allow_private: bool = False
    contact: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 100:
            raise UserError(f"fetch.rate={self.rate:g}: must be above 0 and 100 at most")
        if not 1 <= self.attempts <= 20:
            raise UserError(f"fetch.attempts={self.attempts}: must be 1 to 20")
        if self.timeout <= 0 or self.patience < 0:
            raise UserError("fetch.timeout must be above 0, fetch.patience 0 or more")
        if self.contact and not self.contact.isprintable():
            raise UserError("fetch.contact: must be one line of text")


class Stopped(Exception):  # noqa: N818  (it is no error)
    """Somebody stopped the fetching."""


class Clock:
    """Time that can be waited for, until somebody stops it."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Seconds, from any beginning."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait. Raises Stopped."""
        if self._stop.wait(max(seconds, 0)):
            raise Stopped

    def stop(self) -> None:
        """Let everybody who waits, now or later, give up."""
        self._stop.set()


class Queue:
    """The queue of one host."""

    def __init__(self, manners: Manners, clock: Clock) -> None:
        self._manners = manners
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.now()
        self.failures = 0
        """Addresses in a row that could not be had, whatever was tried."""
        self.closed = ""
        """Why the host is asked no more; empty: it is."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else asks the host meanwhile, and nobody did too short a time ago."""
        with self._lock:
            self._clock.wait(self._next - self._clock.now())
            pause = 1 / self._manners.rate
            # A turn that came a little late does not delay all others after it.
            self._next = max(self._next, self._clock.now() - LATE * pause) + pause
            yield

    def pause(self, seconds: float) -> None:
        """Ask nothing for so long."""
        self._next = max(self._next, self._clock.now() + seconds)

    def failed(self, why: str, *, at_once: bool = False) -> None:
        """Count an address that could not be had, and close the queue after some, or at once."""
        self.failures += 1
        if at_once or self.failures >= GIVEN_UP:
            self.closed = why


def pause_after(attempt: int) -> float:
    """Seconds of pause after an attempt, from 1: they double, as RFC 9110's clients back off."""
    return min(2.0 ** (attempt - 1), LONGEST_PAUSE)


def wished_pause(text: str | None, now: Callable[[], datetime] | None = None) -> float | None:
    """Seconds that a header Retry-After wishes (RFC 9110, 10.2.3); None: it says nothing.

    >>> wished_pause("120"), wished_pause("soon"), wished_pause(None)
    (120.0, None, None)
    """
    if not text:
        return None
    if text.strip().isdecimal():
        return float(min(int(text.strip()[:12]), 10**9))
    clock = now or (lambda: datetime.now(timezone.utc))
    try:
        at = parsedate_to_datetime(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=timezone.utc)
        return max((at - clock()).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
