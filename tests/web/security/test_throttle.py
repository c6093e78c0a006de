"""How long failures make people wait."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drawsim.web.security import throttle as throttling
from drawsim.web.security.throttle import FORGOTTEN, Counted, Throttle

ADA = Counted(("ada", "127.0.0.1"), 5, 900)
ANYONE = Counted(("127.0.0.1",), 20, 60)


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


def test_waits_double_and_end() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(ADA.free + 12):
        waits.append(throttle.wait([ADA]))
        clock.time += waits[-1]
        assert throttle.wait([ADA]) == 0
        throttle.failed([ADA])
    assert waits[: ADA.free] == [0.0] * ADA.free
    grown = waits[ADA.free :]
    assert all(b == min(2 * a, ADA.longest) for a, b in pairwise(grown))
    assert grown[0] > 0
    assert grown[-1] == ADA.longest
    assert throttle.wait([ANYONE]) == 0
    throttle.forget(ADA)
    assert throttle.wait([ADA]) == 0


def test_each_count_has_its_own_patience() -> None:
    throttle = Throttle(Clock())
    for number in range(20):
        assert throttle.wait([ANYONE]) == 0, number
        throttle.failed([Counted((f"name {number}", "127.0.0.1"), 5, 900), ANYONE])
    assert throttle.wait([ADA]) == 0
    assert throttle.wait([ADA, ANYONE]) == throttle.wait([ANYONE]) == 2


def test_what_was_no_failure_is_taken_back() -> None:
    throttle = Throttle(Clock())
    for _ in range(100):
        throttle.failed([ADA])
        throttle.take_back([ADA])
    assert throttle.wait([ADA]) == 0
    for _ in range(5):
        throttle.failed([ADA])
    assert throttle.wait([ADA]) == 2
    throttle.take_back([ADA])
    assert throttle.wait([ADA]) == 0


def test_failures_are_forgotten_with_time_and_the_oldest_of_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(40):
        throttle.failed([ADA])
    clock.time += FORGOTTEN
    assert throttle.wait([ADA]) == 0
    throttle.failed([ADA])
    assert throttle.wait([ADA]) == 0  # the first one
    monkeypatch.setattr(throttling, "REMEMBERED", 3)
    throttle = Throttle(clock)
    each = [Counted((name,), 5, 900) for name in "abcd"]
    for one in each:
        for _ in range(5):
            throttle.failed([one])
    assert [throttle.wait([one]) > 0 for one in each] == [False, True, True, True]
