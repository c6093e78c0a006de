"""How long failures make people wait, whichever process they come to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from sqlalchemy import Connection, Engine, select

from drawsim.web.events.database import connect
from drawsim.web.events.tables import FailureRow
from drawsim.web.security import throttle as throttling
from drawsim.web.security.throttle import FORGOTTEN, Counted, Throttle

ADA = Counted(("ada", "127.0.0.1"), 5, 900)
ANYONE = Counted(("127.0.0.1",), 20, 60)


class Clock:
    time = datetime(2024, 5, 31, tzinfo=timezone.utc)

    def __call__(self, connection: Connection) -> datetime:
        return self.time

    def go_on(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def waited(throttle: Throttle, tried: Sequence[Counted]) -> float:
    """Seconds that a try must wait; 0: it was let through and counted."""
    wait = throttle.admit(tried)
    return 0.0 if wait is None else wait.seconds


def test_waits_double_and_end(engine: Engine) -> None:
    clock = Clock()
    throttle = Throttle(engine, clock)
    waits = []
    for _ in range(ADA.free + 12):
        waits.append(waited(throttle, [ADA]))
        clock.go_on(waits[-1])
        if waits[-1]:
            assert waited(throttle, [ADA]) == 0
    assert waits[: ADA.free] == [0.0] * ADA.free
    grown = waits[ADA.free :]
    assert all(b == min(2 * a, ADA.longest) for a, b in pairwise(grown))
    assert grown[0] > 0
    assert grown[-1] == ADA.longest
    assert waited(throttle, [ANYONE]) == 0
    clock.go_on(ADA.longest)
    assert waited(throttle, [ADA]) == 0
    throttle.succeeded(ADA, [ADA])
    assert [waited(throttle, [ADA]) for _ in range(6)] == [0, 0, 0, 0, 0, 2]


def test_each_count_has_its_own_patience(engine: Engine) -> None:
    throttle = Throttle(engine, Clock())
    for number in range(20):
        assert waited(throttle, [Counted((f"name {number}", "here"), 5, 900), ANYONE]) == 0
    wait = throttle.admit([ADA, ANYONE])
    assert wait is not None
    assert (wait.what, wait.seconds) == (ANYONE.what, 2)
    assert waited(throttle, [ADA]) == 0


def test_what_was_no_failure_is_taken_back(engine: Engine) -> None:
    throttle = Throttle(engine, Clock())
    own = Counted(("own",), 5, 900)
    for _ in range(30):
        assert throttle.admit([own, ANYONE]) is None
        throttle.succeeded(own, [own, ANYONE])
    assert [waited(throttle, [ANYONE]) for _ in range(21)] == [0] * 20 + [2]


def test_failures_are_forgotten_with_time_and_the_oldest_of_many(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    throttle = Throttle(engine, clock)
    for _ in range(6):
        waited(throttle, [ADA])
    clock.go_on(FORGOTTEN)
    assert [waited(throttle, [ADA]) for _ in range(6)] == [0] * 5 + [2]
    monkeypatch.setattr(throttling, "REMEMBERED", 3)
    each = [Counted((name,), 1, 900) for name in "abcd"]
    for one in each:
        clock.go_on(0.001)
        assert waited(throttle, [one]) == 0
    assert [waited(throttle, [one]) > 0 for one in each[1:]] == [True] * 3
    assert waited(throttle, [each[0]]) == 0
    with engine.connect() as connection:
        assert len(connection.execute(select(FailureRow)).all()) == 3


def test_a_wrong_clock_does_not_shut_anybody_out_for_years(engine: Engine) -> None:
    clock = Clock()
    throttle = Throttle(engine, clock)
    clock.go_on(10**8)
    assert [waited(throttle, [ADA]) for _ in range(6)] == [0] * 5 + [2]
    clock.go_on(-(10**8))
    assert waited(throttle, [ADA]) == 2


def test_processes_count_together(database_url: str) -> None:
    """Guesses at several processes at once get as many tries as at one."""
    engines = [connect(database_url) for _ in range(4)]
    let_through: list[bool] = []

    def guess(engine: Engine) -> None:
        throttle = Throttle(engine)
        let_through.extend(throttle.admit([ADA]) is None for _ in range(5))

    threads = [threading.Thread(target=guess, args=[engine]) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert len(let_through) == 20
    assert sum(let_through) == ADA.free


def test_the_database_holds_no_names(engine: Engine) -> None:
    Throttle(engine).admit([Counted(("name", "a password typed as a name \ud800"), 5, 900)])
    with engine.connect() as connection:
        [row] = connection.execute(select(FailureRow.what_sha256)).scalars()
    assert len(row) == 64
