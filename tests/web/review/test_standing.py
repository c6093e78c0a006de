"""Counting everything is done when it is worth it, and by one at a time."""

from __future__ import annotations

import threading

import pytest

from drawsim.collection.tables import Collection
from drawsim.web.review import standing as module
from drawsim.web.review.standing import Standings
from tests.web.judges import Judges


def test_it_is_counted_again_when_something_was_done(
    judges: Judges, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUICK", 1e9)
    standings = Standings(judges.store, collection)
    nobody = standings.latest()
    assert nobody.annotators == ()
    assert standings.latest() is nobody
    judges.grade("ada", "d0", "a0", "same work")
    (ada,) = standings.latest().annotators
    assert ada.graded["same work"] == 1
    judges.undo("ada")
    assert standings.latest().annotators == ()


def test_what_takes_long_is_not_counted_at_once_again(
    judges: Judges, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUICK", 0)
    monkeypatch.setattr(module, "SHARE", 1e9)
    standings = Standings(judges.store, collection)
    before = standings.latest()
    judges.grade("ada", "d0", "a0", "same work")
    assert standings.latest() is before
    assert before.event != judges.store.newest()


def test_nobody_waits_for_a_count_of_another(
    judges: Judges, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUICK", 1e9)
    standings = Standings(judges.store, collection)
    before = standings.latest()
    judges.grade("ada", "d0", "a0", "same work")
    counting, go_on = threading.Event(), threading.Event()
    count = standings._count

    def slowly() -> module.Standing:
        counting.set()
        assert go_on.wait(60)
        return count()

    monkeypatch.setattr(standings, "_count", slowly)
    counter = threading.Thread(target=standings.latest)
    counter.start()
    assert counting.wait(60)
    assert standings.latest() is before
    go_on.set()
    counter.join()
    assert len(standings.latest().annotators) == 1
