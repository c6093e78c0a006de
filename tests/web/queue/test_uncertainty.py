"""How unsure the models are is worked out beside the server, told on the way, and kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, select, update

from drawsim.collection.kinds import Kind
from drawsim.web.events.database import connect, writing
from drawsim.web.events.tables import MeasuredRow, now
from drawsim.web.queue import uncertainty as module
from drawsim.web.queue.measured import Measured, Values
from drawsim.web.queue.uncertainty import UNKNOWN, Uncertainty

IDS: dict[Kind, list[str]] = {"drawing": [f"d{i}" for i in range(100)], "artwork": ["a0", "a1"]}
LONG = 60.0


class Measuring:
    """Says of each query its number; blocks may have to wait."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Semaphore(10**6)

    def __call__(self, kind: Kind, names: Sequence[str]) -> Values:
        assert self.go_on.acquire(timeout=LONG)
        self.asked += names
        return np.array([float(name[1:]) for name in names])


def test_all_values_in_the_order_of_the_ids(sqlite: Engine) -> None:
    measure = Measuring()
    mine = Uncertainty(sqlite, measure, IDS, "index", patience=LONG)
    assert measure.asked == []  # not before it is wanted
    assert mine("drawing").tolist() == list(range(100))
    assert mine("artwork").tolist() == [0, 1]
    assert sorted(measure.asked) == sorted([*IDS["drawing"], *IDS["artwork"]])
    assert mine("drawing") is mine("drawing")


def test_what_is_known_by_now_is_told(sqlite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 10)
    measure = Measuring()
    measure.go_on = threading.Semaphore(0)
    mine = Uncertainty(sqlite, measure, IDS, "index", patience=0)
    first = mine("drawing")
    assert (first == UNKNOWN).all()  # nobody waited
    measure.go_on.release(3)
    end = threading.Event()
    while (mine("drawing") > UNKNOWN).sum() < 20:
        assert not end.wait(0.01)
    known = np.flatnonzero(mine("drawing") > UNKNOWN)
    assert mine("drawing")[known].tolist() == known.tolist()
    assert np.abs(np.median(known) - 50) < 40  # from all parts of the collection
    measure.go_on.release(100)
    while (mine("drawing") > UNKNOWN).sum() < 100:
        assert not end.wait(0.01)
    mine.stop()


def test_it_stops_when_it_is_told_to(sqlite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "BREATH", LONG)
    measure = Measuring()
    mine = Uncertainty(sqlite, measure, IDS, "index", patience=0)
    mine("drawing")
    mine.stop()
    assert len(measure.asked) <= 1


def test_finished_values_are_kept_for_the_next_start(engine: Engine) -> None:
    for index, ids, again in (
        ("index", IDS, True),
        ("index", IDS, False),
        ("another", IDS, True),
        ("another", {**IDS, "drawing": IDS["drawing"][::-1]}, True),
    ):
        measure = Measuring()
        mine = Uncertainty(engine, measure, ids, index, patience=LONG)
        assert mine("drawing").tolist() == [float(name[1:]) for name in ids["drawing"]]
        mine.stop()
        assert bool(measure.asked) == again
    with engine.connect() as connection:  # of other times, none is left
        assert len(connection.execute(select(MeasuredRow.kind)).all()) == 1


def test_one_process_works_them_out_for_all(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows by then is known to others; when it stops, another goes on from there."""
    monkeypatch.setattr(module, "AT_ONCE", 10)
    monkeypatch.setattr(module, "LOOKING", 0.01)
    engines = [connect(database_url) for _ in range(2)]
    measures = [Measuring() for _ in engines]
    measures[0].go_on = threading.Semaphore(2)
    first, second = (
        Uncertainty(engine, measure, IDS, "index", patience=0)
        for engine, measure in zip(engines, measures, strict=True)
    )
    first("drawing")
    soon = threading.Event()
    while not measures[0].asked:  # it is the first to come
        assert not soon.wait(0.01)
    while (second("drawing") > UNKNOWN).sum() < 20:
        assert not soon.wait(0.01)
    assert not measures[1].asked
    assert np.array_equal(first("drawing"), second("drawing"))
    first._stopping.set()
    measures[0].go_on.release()
    first.stop()
    while (second("drawing") > UNKNOWN).sum() < 100:
        assert not soon.wait(0.01)
    second.stop()
    assert second("drawing").tolist() == list(range(100))
    assert len(measures[0].asked) in (20, 30)  # it may be told between two blocks, or in one
    assert sorted(measures[0].asked + measures[1].asked) == sorted(IDS["drawing"])
    for engine in engines:
        engine.dispose()


def test_of_a_process_that_is_silent_another_takes_over(sqlite: Engine) -> None:
    unknown = np.full(3, UNKNOWN)
    dead, living = (Measured(sqlite, "drawing", "made of", unknown, name) for name in "ab")
    assert dead.take()[1:] == (False, True)
    assert dead.keep(np.array([1.0, UNKNOWN, UNKNOWN]))
    assert living.take()[1:] == (False, False)
    with writing(sqlite) as connection:  # as if its time were over
        connection.execute(update(MeasuredRow).values(until=now() - timedelta(seconds=1)))
    values, done, ours = living.take()
    assert (values.tolist(), done, ours) == ([1.0, UNKNOWN, UNKNOWN], False, True)
    assert not dead.keep(np.zeros(3))
    assert living.keep(np.arange(3.0), done=True)
    assert dead.take()[0].tolist() == [0, 1, 2]
    assert dead.take()[1:] == (True, False)
