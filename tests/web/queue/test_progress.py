"""How far the work is: by kind, by annotator, and within a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from drawsim.web.events.drafts import Draft
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import now
from drawsim.web.queue.queue import Wish
from drawsim.web.review.standing import by_annotator
from tests.web.queue.helpers import (
    LITE,
    NUMBERS,
    answer,
    queue,
    undo,
)


def test_progress_by_kind_and_annotator(engine: Engine) -> None:
    mine = queue(engine, overlap=2)
    store = EventStore(engine)
    pairs = (("a0", "same work"), ("a1", "same work"), ("a2", "unsure"), ("a3", "different"))
    for artwork, grade in pairs:
        key = f"key-{next(NUMBERS):06d}"
        store.save("ada", [Draft(key, "grade", "drawing", "d000", artwork, grade)], LITE)  # type: ignore[arg-type]
    undo(engine, "ada")
    for name, how, seconds in (
        ("d000", "done", 1.0),
        ("d001", "none", 2.0),
        ("d002", "done", 9.0),
        ("d003", "done", None),
        ("d004", "skip", 100.0),
    ):
        answer(engine, "ada", name, how, seconds=seconds)
    answer(engine, "rosa", "d000", "none")
    answer(engine, "rosa", "d001", "none")
    undo(engine, "rosa")
    mine.claim("rosa", Wish())
    mine.take("ada", "artwork", "a000")
    mine.take("eve", "artwork", "a000")
    drawings, artworks = mine.progress()
    assert (drawings.kind, drawings.total, drawings.answered) == ("drawing", 12, 4)
    assert (drawings.complete, drawings.leased) == (1, 1)
    assert (artworks.kind, artworks.total, artworks.answered) == ("artwork", 3, 0)
    assert (artworks.complete, artworks.leased) == (0, 1)
    ada, rosa = by_annotator(store.answers(), store.judgements())
    assert (ada.annotator, ada.answered, ada.none, ada.skipped) == ("ada", 4, 1, 1)
    assert (ada.seconds, ada.last_day) == (2.0, 4)
    assert {grade: count for grade, count in ada.graded.items() if count} == {
        "same work": 2,
        "unsure": 1,
    }
    assert (rosa.annotator, rosa.answered, rosa.none, rosa.skipped) == ("rosa", 1, 1, 0)
    assert rosa.seconds is None
    tally = mine.tally("ada", "drawing")
    assert (tally.mine, tally.answered, tally.total) == (4, 4, 12)
    undo(engine, "ada")  # the skip
    undo(engine, "ada")  # d003
    tally = mine.tally("ada", "drawing")
    assert (tally.mine, tally.answered, tally.total) == (3, 3, 12)
    assert mine.tally("nobody", "artwork").mine == 0


def test_what_was_answered_yesterday_is_not_of_the_last_day(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = now() - timedelta(hours=25)
    monkeypatch.setattr("drawsim.web.events.store.time_of", lambda connection: yesterday)
    answer(engine, "ada", "d000")
    monkeypatch.undo()
    answer(engine, "ada", "d001")
    store = EventStore(engine)
    (ada,) = by_annotator(store.answers(), store.judgements())
    assert (ada.answered, ada.last_day) == (2, 1)
