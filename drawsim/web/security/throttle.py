"""How long whoever failed to log in must wait before the next try."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FIRST_DELAY = 2.0
"""Seconds after the last free try; every further failure doubles it."""
FORGOTTEN = 3600.0
"""Seconds after which a failure counts no more."""
REMEMBERED = 10_000
"""What failures are counted of, at most."""


@dataclass(frozen=True)
class Counted:
    """What failures are counted of. free: tries before any wait. longest: seconds of a wait."""

    what: tuple[str, ...]
    free: int
    longest: float


class Throttle:
    """Counts failures: some are free, then each wait doubles. For the use of one thread.

    now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: dict[tuple[str, ...], tuple[int, float]] = {}

    def wait(self, tried: Iterable[Counted]) -> float:
        """Seconds until the next try is let through by all counts; 0: now."""
        return max(self._wait(each) for each in tried)

    def _wait(self, tried: Counted) -> float:
        count, last = self._count(tried.what)
        if count < tried.free:
            return 0.0
        delay = min(tried.longest, FIRST_DELAY * 2.0 ** min(count - tried.free, 30))
        return max(0.0, last + delay - self._now())

    def failed(self, tried: Iterable[Counted]) -> None:
        """Count a failure; of very many, the oldest is forgotten."""
        for each in tried:
            count, _ = self._count(each.what)
            self._failures.pop(each.what, None)
            self._failures[each.what] = (count + 1, self._now())
            if len(self._failures) > REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def take_back(self, tried: Iterable[Counted]) -> None:
        """A try that was counted as failed was none; the failures before it stay."""
        for each in tried:
            count, last = self._count(each.what)
            if count > 1:
                self._failures[each.what] = (count - 1, last)
            else:
                self._failures.pop(each.what, None)

    def forget(self, tried: Counted) -> None:
        """Begin anew."""
        self._failures.pop(tried.what, None)

    def _count(self, what: tuple[str, ...]) -> tuple[int, float]:
        """Failures within the time that they count, and when the last one was."""
        count, last = self._failures.get(what, (0, 0.0))
        return (count, last) if self._now() < last + FORGOTTEN else (0, 0.0)
