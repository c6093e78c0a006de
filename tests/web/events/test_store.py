"""What is saved counts once, until it is undone: against the rules in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from drawsim.collection.grades import GRADES
from drawsim.common.errors import UserError
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import ANSWERING, Box, Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import now
from tests.web.databases import NewDatabase

LITE = MadeWith("lite", "0" * 64)
OTHER = MadeWith("other", "1" * 64)
BOX = (0.1, 0.2, 0.3, 0.4)


@pytest.fixture
def store(engine: Engine) -> EventStore:
    return EventStore(engine)


NUMBERS = iter(range(10**6))


def grade(drawing: str, artwork: str, grade: str = "same work", **more: Any) -> Draft:
    """A draft with a new key: the grade of a pair, judged from the drawing."""
    key = f"key-{next(NUMBERS):06d}"
    return Draft(key, "grade", "drawing", drawing, artwork, grade=grade, **more)  # type: ignore[arg-type]


def leave(answer: str, drawing: str, **more: Any) -> Draft:
    """A draft with a new key: how a drawing is left."""
    return Draft(f"key-{next(NUMBERS):06d}", answer, "drawing", drawing, **more)  # type: ignore[arg-type]


# Against a model


class Model:
    """The rules in plain Python: a list of what was saved, and what can be read from it."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, Draft]] = []
        self.gone: set[str] = set()
        self.undone_by: dict[str, str | None] = {}

    def save(self, annotator: str, drafts: list[Draft]) -> list[str]:
        known = {draft.key for _, draft in self.saved}
        fresh = [draft for draft in drafts if draft.key not in known]
        self.saved += [(annotator, draft) for draft in fresh]
        return [draft.key for draft in fresh]

    def undo(self, annotator: str, key: str) -> str | None:
        if key in self.undone_by:
            return self.undone_by[key]
        own = [draft.key for who, draft in self.saved if who == annotator]
        left = [key for key in own if key not in self.gone]
        if not left:
            return None
        self.gone.add(left[-1])
        self.undone_by[key] = left[-1]
        return left[-1]

    def counting(self) -> Iterator[tuple[str, Draft]]:
        return ((who, draft) for who, draft in self.saved if draft.key not in self.gone)

    def grades(self) -> dict[tuple[str, str, str], tuple[str, str, Box | None, Box | None]]:
        grades: dict[Any, str] = {}
        notes: dict[Any, str] = {}
        boxes: dict[Any, tuple[Box | None, Box | None]] = {}
        for who, draft in self.counting():
            pair = (who, draft.drawing_id, draft.artwork_id)
            if draft.action == "grade":
                assert draft.grade
                grades[pair] = draft.grade
            elif draft.action == "clear":
                grades.pop(pair, None)
            elif draft.action == "box":
                boxes[pair] = draft.drawing_box, draft.artwork_box
            if draft.action == "note" or (draft.note and draft.action != "adjudicate"):
                notes[pair] = draft.note
        return {
            pair: (grade, notes.get(pair, ""), *boxes.get(pair, (None, None)))
            for pair, grade in grades.items()
        }

    def answers(self) -> dict[tuple[str, str, str], tuple[str, str]]:
        answers: dict[Any, str] = {}
        notes: dict[Any, str] = {}
        for who, draft in self.counting():
            query = (who, draft.kind, draft.query_id)
            if draft.action in ANSWERING:
                answers[query] = draft.action
            alone = not (draft.drawing_id and draft.artwork_id)
            if alone and (draft.action == "note" or draft.note):
                notes[query] = draft.note
        return {query: (answer, notes.get(query, "")) for query, answer in answers.items()}

    def adjudications(self) -> dict[tuple[str, str], tuple[str, str, str]]:
        return {
            (str(draft.drawing_id), str(draft.artwork_id)): (str(draft.grade), who, draft.note)
            for who, draft in self.counting()
            if draft.action == "adjudicate"
        }


def state(store: EventStore) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    """What the store says, in the terms of the model."""
    grades = {
        (row.annotator, row.drawing_id, row.artwork_id): (
            row.grade,
            row.note,
            row.drawing_box,
            row.artwork_box,
        )
        for row in store.judgements().itertuples()
    }
    answers = {
        (row.annotator, row.kind, row.id): (row.answer, row.note)
        for row in store.answers().itertuples()
    }
    adjudications = {
        (row.drawing_id, row.artwork_id): (row.grade, row.annotator, row.note)
        for row in store.adjudications().itertuples()
    }
    return grades, answers, adjudications


NAMES = st.sampled_from(["ada", "ada", "rosa"])
IDS = st.sampled_from(["1", "1", "1", "2"])  # drawings and artworks of the same id, on purpose
SOME_NOTE = st.sampled_from(["", "a cow", "Kuh №2 – ‚klein‘"])
SOME_BOX = st.sampled_from([None, BOX, (0.0, 0.0, 1.0, 1.0)])


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Sound drafts of every action but undo, without their keys."""
    key, kind = "key-000000", draw(st.sampled_from(["drawing", "artwork"]))
    action = draw(
        st.sampled_from(
            ["grade", "grade", "clear", "clear", "note", "box", "adjudicate", *ANSWERING]
        )
    )
    ids = {"drawing_id": draw(IDS), "artwork_id": draw(IDS)}
    if action in ANSWERING or (action == "note" and draw(st.booleans())):
        ids = {f"{kind}_id": ids[f"{kind}_id"]}
    more: dict[str, Any] = {}
    if action in ("grade", "adjudicate"):
        more["grade"] = draw(st.sampled_from(GRADES))
    if action == "box":
        more = {"drawing_box": draw(SOME_BOX), "artwork_box": draw(SOME_BOX)}
    elif action != "clear":
        more["note"] = draw(SOME_NOTE)
    return Draft(key, action, kind, **ids, **more)  # type: ignore[arg-type]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), NAMES, st.lists(drafts(), min_size=2, max_size=4)),
        st.tuples(st.just("undo"), NAMES, st.none()),
        st.tuples(st.just("again"), NAMES, st.none()),
    ),
    min_size=8,
    max_size=16,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_store_does_what_the_rules_say(new_database: NewDatabase, steps: list[Any]) -> None:
    """Saving, undoing, and sending anything of it again, by two annotators."""
    engine = connect(new_database())
    store, model = EventStore(engine), Model()
    sent: list[tuple[str, str, Any]] = []
    for number, (step, annotator, given_drafts) in enumerate(steps):
        if step == "again":
            tried = sent[-3:]
        elif step == "undo":
            tried = [("undo", annotator, f"undo-{number:04d}")]
        else:
            keyed = [replace(d, key=f"key-{number:04d}-{i}") for i, d in enumerate(given_drafts)]
            tried = [("save", annotator, keyed)]
        sent += [] if step == "again" else tried
        for what, who, content in tried:
            if what == "save":
                assert store.save(who, content, LITE) == model.save(who, content)
            else:
                taken = store.undo(who, content, LITE)
                assert (taken and taken.draft.key) == model.undo(who, content)
                assert taken is None or (taken.undone and taken.annotator == who)
        assert state(store) == (model.grades(), model.answers(), model.adjudications())
    history = store.history(limit=1000)
    assert [(e.annotator, e.draft) for e in reversed(history) if not e.undoes] == model.saved
    assert {e.draft.key for e in history if e.undone} == model.gone
    assert {e.draft.key: e.undoes for e in history if e.undoes} == model.undone_by
    engine.dispose()


# Saving


def test_a_draft_comes_back_as_it_was_sent(store: EventStore) -> None:
    sent = [
        grade("Bär №1", "'; --", note="„größer“\n=1+1 🎨", rank=3, score=0.1 + 0.2, shown=20),
        Draft("key-box-1", "box", "artwork", "d", "a", drawing_box=BOX, audit=True),
        leave("none", "d", shown=40, shown_ids=("a1", "ä,2", '"'), seconds=1e-3),
    ]
    before = now()
    store.save("ada", sent, LITE)
    events = store.history()[::-1]
    assert [event.draft for event in events] == sent
    assert {(event.annotator, event.made_with, event.undoes) for event in events} == {
        ("ada", LITE, None)
    }
    assert all(before <= event.at <= now() for event in events)
    assert [event.id for event in events] == sorted(event.id for event in events)


def test_a_key_is_saved_once_whatever_ranked_the_candidates(store: EventStore) -> None:
    draft = grade("d0", "a0")
    assert store.save("ada", [draft, draft], LITE) == [draft.key]
    assert store.save("ada", [draft], OTHER) == []
    more = grade("d0", "a1")
    assert store.save("ada", [draft, more], LITE) == [more.key]
    assert [event.made_with for event in store.history()] == [LITE, LITE]


def test_what_was_undone_does_not_come_back_when_it_is_sent_again(store: EventStore) -> None:
    draft = grade("d0", "a0")
    store.save("ada", [draft], LITE)
    store.undo("ada", "undo-0001", LITE)
    assert store.save("ada", [draft], LITE) == []
    assert store.judgements().empty


def test_a_key_used_for_something_else_is_refused_and_nothing_is_saved(store: EventStore) -> None:
    draft, new = grade("d0", "a0"), grade("d1", "a1")
    store.save("ada", [draft], LITE)
    changed = replace(draft, grade="unsure")
    for annotator, drafts in (
        ("ada", [new, changed]),
        ("rosa", [new, draft]),
        ("ada", [new, replace(new, grade="unsure")]),
    ):
        with pytest.raises(UserError, match="used for something else"):
            store.save(annotator, drafts, LITE)
    with pytest.raises(UserError, match="used for something else"):
        store.undo("ada", draft.key, LITE)
    store.undo("ada", "undo-0001", LITE)
    with pytest.raises(UserError, match="used for something else"):
        store.undo("rosa", "undo-0001", LITE)
    with pytest.raises(UserError, match="it is asked for"):
        store.save("ada", [Draft("undo-0002", "undo", "drawing", "d0")], LITE)
    assert len(store.history()) == 2


def test_what_was_saved_is_seen_by_others_at_once(database_url: str) -> None:
    ours, theirs = connect(database_url), connect(database_url)
    EventStore(ours).save("ada", [grade("d0", "a0")], LITE)
    assert len(EventStore(theirs).judgements()) == 1
    ours.dispose()
    theirs.dispose()


# What holds


def test_a_grade_is_changed_taken_away_and_given_back(store: EventStore) -> None:
    def told() -> list[str]:
        return list(store.judgements()["grade"])

    store.save("ada", [grade("d0", "a0", "unsure"), grade("d0", "a0", "same motif")], LITE)
    assert told() == ["same motif"]
    store.save("ada", [Draft("key-clear", "clear", "artwork", "d0", "a0")], LITE)
    assert told() == []
    for number, left in enumerate((["same motif"], ["unsure"], [], [])):
        store.undo("ada", f"undo-000{number}", LITE)
        assert told() == left


def test_judgements_of_a_picture_from_whichever_side(store: EventStore) -> None:
    store.save("ada", [grade("d0", "a0", rank=1, score=0.5), grade("d0", "a1")], LITE)
    turned = Draft("key-turned", "grade", "artwork", "d1", "a0", grade="different", rank=7)
    store.save("rosa", [turned], OTHER)
    pairs = store.judgements(kind="artwork", id="a0").sort_values("drawing_id")
    assert list(pairs["drawing_id"]) == ["d0", "d1"]
    assert list(pairs["kind"]) == ["drawing", "artwork"]
    assert list(pairs["rank"]) == [1, 7]
    assert list(pairs["model"]) == ["lite", "other"]
    assert set(store.judgements(kind="drawing")["artwork_id"]) == {"a0", "a1"}
    assert len(store.judgements(kind="drawing")) == 2
    assert store.judgements("drawing", "d0", "rosa").empty
    with pytest.raises(ValueError, match="kind"):
        store.judgements(id="d0")


def test_notes_and_boxes_are_kept_for_pairs_without_a_grade(store: EventStore) -> None:
    box = Draft("key-box-2", "box", "drawing", "d0", "a0", artwork_box=BOX)
    note = Draft("key-note-1", "note", "drawing", "d0", note="of the drawing")
    store.save("ada", [box, note, grade("d0", "a1", note="of the pair")], LITE)
    (drawn,) = store.boxes("drawing", "d0", "ada").to_dict("records")
    assert [drawn[name] for name in ("artwork_id", "drawing_box", "artwork_box")] == [
        "a0",
        None,
        BOX,
    ]
    notes = store.notes("drawing", "d0", "ada")
    assert dict(zip(notes["artwork_id"], notes["note"], strict=True)) == {
        None: "of the drawing",
        "a1": "of the pair",
    }
    assert store.notes("drawing", "d0", "rosa").empty
    assert list(store.boxes("artwork", "a0", "ada")["drawing_id"]) == ["d0"]


@pytest.mark.parametrize("filled", [False, True])
def test_columns_and_types_are_the_same_for_no_rows(store: EventStore, filled: bool) -> None:
    if filled:
        store.save("ada", [grade("d0", "a0"), leave("done", "d0", seconds=2.5)], LITE)
    judgements, answers = store.judgements(), store.answers()
    assert len(judgements) == len(answers) == filled
    pair = ["annotator", "drawing_id", "artwork_id", "grade"]
    how = ["kind", "at", "rank", "score", "shown", "seconds", "audit", "model", "index_sha256"]
    assert list(judgements) == [*pair, *how, "note", "drawing_box", "artwork_box"]
    how = [name for name in how if name not in ("rank", "score")]
    assert list(answers) == ["annotator", "id", "answer", "shown_ids", *how, "note"]
    types = {"rank": "Int64", "shown": "Int64", "score": "float64", "seconds": "float64"}
    types |= {"audit": "bool", "at": "datetime64[us, UTC]", "note": "object"}
    for frame in (judgements, answers):
        told = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
        assert told == {name: types.get(name, "object") for name in told}


# History


def test_history_is_filtered_and_paged(store: EventStore) -> None:
    store.save("ada", [grade("d0", "a0", note="Two COWS"), leave("done", "d0")], LITE)
    half = now()
    store.save("rosa", [grade("d0", "a_1", "unsure"), leave("none", "100%")], LITE)
    undone = store.undo("rosa", "undo-0001", LITE)
    assert undone is not None

    def found(**wanted: Any) -> list[tuple[str, str]]:
        return [(event.annotator, event.draft.action) for event in store.history(**wanted)]

    everything = found()
    assert everything == [
        ("rosa", "undo"),
        ("rosa", "none"),
        ("rosa", "grade"),
        ("ada", "done"),
        ("ada", "grade"),
    ]
    assert found(annotator="ada") == everything[3:]
    assert found(action="grade") == [("rosa", "grade"), ("ada", "grade")]
    assert found(grade="unsure", annotator="rosa") == [("rosa", "grade")]
    assert found(drawing_id="100%") == everything[:2]  # an undo names what it takes back
    assert found(artwork_id="a0") == [("ada", "grade")]
    assert found(since=half) == everything[:3]
    assert found(until=half) == everything[3:]
    assert found(until=half + timedelta(days=1)) == everything
    assert found(text="cow") == [("ada", "grade")]
    assert found(text="%") == everything[:2]  # as it is, no pattern
    assert found(text="A_") == [("rosa", "grade")]
    pages, before = [], None
    while page := store.history(before=before, limit=2):
        pages.append(len(page))
        before = page[-1].id
    assert pages == [2, 2, 1]
    assert [event.undone for event in store.history()] == [False, True, False, False, False]
    assert store.history()[0].undoes == undone.draft.key
    assert store.annotators() == ["ada", "rosa"]
