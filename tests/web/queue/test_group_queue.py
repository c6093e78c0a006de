"""Who gets which group, and what all its drawings are given at once."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Engine

from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.queue.group_queue import GroupQueue
from drawsim.web.queue.groups import Groups, NoSuchGroup, key_of
from tests.web.conftest import MOTIFS

LITE = MadeWith("lite", "0" * 64)
FIRST, SECOND = (group.key for group in Groups(MOTIFS).every)
NUMBERS = count()


@pytest.fixture
def judged(engine: Engine) -> GroupQueue:
    return GroupQueue(engine, Groups(MOTIFS), timedelta(minutes=15))


def leave(engine: Engine, who: str, key: str, how: str) -> None:
    medoid = {FIRST: "d1", SECOND: "d2"}[key]
    draft = Draft(f"left-{next(NUMBERS):05}", how, "drawing", medoid, group_id=key)  # type: ignore[arg-type]
    EventStore(engine).save(who, [draft], LITE)


def got(queue: GroupQueue, who: str) -> str | None:
    group = queue.claim(who)
    return None if group is None else group.key


def test_each_group_is_given_to_one(judged: GroupQueue, engine: Engine) -> None:
    assert [got(judged, who) for who in ("ada", "ben", "cleo", "ada")] == [
        *(FIRST, SECOND, None, FIRST)
    ]
    leave(engine, "ada", FIRST, "skip")
    judged.release("ada", FIRST)
    assert [got(judged, who) for who in ("ada", "cleo")] == [None, FIRST]
    leave(engine, "cleo", FIRST, "done")
    judged.release("cleo", FIRST)
    judged.release("ben", SECOND)
    assert [got(judged, who) for who in ("cleo", "dan")] == [SECOND, None]
    assert judged.state("ada").done == {FIRST: "cleo"}
    assert judged.state("ada").skipped == {FIRST}
    EventStore(engine).undo("cleo", "undo-0001", LITE)
    assert got(judged, "dan") == FIRST
    assert EventStore(engine).answers().empty  # of drawings, nothing was answered


def test_whoever_opens_a_group_does_not_take_it_away(judged: GroupQueue) -> None:
    assert got(judged, "ada") == FIRST
    assert judged.take("ben", FIRST).number == "1"
    assert got(judged, "ada") == FIRST
    with pytest.raises(NoSuchGroup, match="there is no group 'x'"):
        judged.take("ben", "x")


def test_a_group_is_named_by_its_drawings() -> None:
    assert key_of(["b", "a"]) == key_of(["a", "b"]) != key_of(["a", "b", "c"])


def test_one_undo_takes_back_what_one_press_made(engine: Engine) -> None:
    store = EventStore(engine)
    batch = [
        Draft(
            f"batch-{name}-00",
            "grade",
            "drawing",
            name,
            "a0",
            grade="same motif",
            group_id=FIRST,
            batch="press-0001",
        )
        for name in ("d0", "d1", "d4")
    ]
    single = Draft("single-001", "grade", "drawing", "d7", "a0", grade="same work")
    store.save("ada", [single, *batch], LITE)
    store.save("ben", [Draft("single-002", "none", "drawing", "d2")], LITE)
    for _ in range(2):  # sent twice, it counts once
        undone = store.undo("ada", "undo-0001", LITE)
        assert undone is not None
        assert undone.draft.batch == "press-0001"
        assert store.judgements()["drawing_id"].tolist() == ["d7"]
    assert len(store.history(action="undo")) == 3
    second = store.undo("ada", "undo-0002", LITE)
    assert second is not None
    assert second.draft == single
    assert store.undo("ada", "undo-0003", LITE) is None
    assert len(store.answers()) == 1
