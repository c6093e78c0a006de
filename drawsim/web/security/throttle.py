"""How long whoever failed to log in must wait before the next try, counted for all processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, select, update

from drawsim.web.events.database import LOGINS_LOCK, time_of, writing
from drawsim.web.events.tables import FailureRow

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

    @property
    def key(self) -> str:
        """What the database calls it: names and addresses are nothing to be read there."""
        return hashlib.sha256(json.dumps(self.what).encode()).hexdigest()


@dataclass(frozen=True)
class Wait:
    """A try that is not let through. what: whose failures are why. seconds: until the next."""

    what: tuple[str, ...]
    seconds: float


class Throttle:
    """Counts failures in the database: some are free, then each wait doubles.

    now: the time by a clock that all processes on the database have in common.
    """

    def __init__(self, engine: Engine, now: Callable[[Connection], datetime] = time_of) -> None:
        self._engine = engine
        self._now = now

    def admit(self, tried: Sequence[Counted]) -> Wait | None:
        """Count a try as failed, until it is known better; or say how long it must wait."""
        with self._engine.connect() as connection:  # who must wait keeps no writer waiting
            wait = self._wait(connection, tried)
        if wait is not None:
            return wait
        with writing(self._engine, LOGINS_LOCK) as connection:
            wait = self._wait(connection, tried)
            if wait is not None:
                return wait
            time = self._now(connection)
            for each in tried:
                count, _ = self._count(connection, each, time)
                _set(connection, each, count + 1, time)
            _forget_old(connection, time)
        return None

    def succeeded(self, own: Counted, tried: Sequence[Counted]) -> None:
        """A try that was counted as failed was none: `own` begins anew, of the others it is taken
        back, and the failures before it stay."""
        with writing(self._engine, LOGINS_LOCK) as connection:
            time = self._now(connection)
            for each in tried:
                count, last = self._count(connection, each, time)
                _set(connection, each, 0 if each == own else count - 1, last)

    def _wait(self, connection: Connection, tried: Sequence[Counted]) -> Wait | None:
        """The longest wait before the next try; None: it is let through."""
        time = self._now(connection)
        waits = []
        for each in tried:
            count, last = self._count(connection, each, time)
            if count >= each.free:
                delay = min(each.longest, FIRST_DELAY * 2.0 ** min(count - each.free, 30))
                waits.append(Wait(each.what, delay - (time - last).total_seconds()))
        longest = max(waits, key=lambda wait: wait.seconds, default=None)
        return longest if longest is not None and longest.seconds > 0 else None

    @staticmethod
    def _count(connection: Connection, tried: Counted, time: datetime) -> tuple[int, datetime]:
        """Failures within the time that they count, and when the last one was."""
        query = select(FailureRow.count.label("failures"), FailureRow.last)
        row = connection.execute(query.where(FailureRow.what_sha256 == tried.key)).one_or_none()
        if row is None or time >= row.last + timedelta(seconds=FORGOTTEN):
            return 0, time
        return row.failures, min(row.last, time)  # a later one is of a wrong clock


def _set(connection: Connection, counted: Counted, count: int, last: datetime) -> None:
    own = FailureRow.what_sha256 == counted.key
    if count <= 0:
        connection.execute(delete(FailureRow).where(own))
        return
    values = {"count": count, "last": last}
    if not connection.execute(update(FailureRow).where(own).values(values)).rowcount:
        connection.execute(insert(FailureRow), [{"what_sha256": counted.key, **values}])


def _forget_old(connection: Connection, time: datetime) -> None:
    """Clear away what counts no more, and of very many the oldest."""
    old = time - timedelta(seconds=FORGOTTEN)
    connection.execute(delete(FailureRow).where(FailureRow.last <= old))
    by_age = select(FailureRow.last).order_by(FailureRow.last.desc())
    too_old = connection.execute(by_age.offset(REMEMBERED).limit(1)).scalar()
    if too_old is not None:
        connection.execute(delete(FailureRow).where(FailureRow.last <= too_old))
