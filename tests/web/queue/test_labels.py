"""Tags and names: what holds of drawings and groups, against a plain account of what was done."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from drawsim.common.errors import UserError
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.queue.groups import Groups
from drawsim.web.queue.labels import Labels, Said
from drawsim.web.queue.queue import Wish
from tests.web.conftest import MOTIFS
from tests.web.databases import NewDatabase
from tests.web.queue.helpers import ALL, held, queue, work

LITE = MadeWith("lite", "0" * 64)
GROUPS = Groups(MOTIFS)
BOATS = GROUPS.every[0]
NUMBERS = count()


def say(store: EventStore, action: str, drawing: str, label: str = "", group: str = "") -> None:
    draft = Draft(
        f"said-{next(NUMBERS):06}",
        action,  # type: ignore[arg-type]
        "drawing",
        drawing,
        label=label,
        group_id=group or None,
    )
    store.save("ada", [draft], LITE)


@pytest.fixture
def store(sqlite: Engine) -> EventStore:
    return EventStore(sqlite)


DRAWINGS = st.sampled_from(["d0", "d1", "d3"])
DEEDS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["tag", "tag", "untag"]),
            DRAWINGS,
            st.sampled_from(["boat", "Red sails"]),
            st.booleans(),
        ),
        st.tuples(st.just("name"), DRAWINGS, st.sampled_from(["", "Regatta"]), st.booleans()),
        st.tuples(st.sampled_from(["remove", "restore"]), DRAWINGS, st.just(""), st.just(True)),
        st.tuples(st.just("undo"), st.just(""), st.just(""), st.just(False)),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_the_last_word_on_each_holds(new_database: NewDatabase, deeds: list[Any]) -> None:
    """Of a drawing, of its group, and of what was taken out of it, until it is undone."""
    engine = connect(new_database())
    store = EventStore(engine)
    labels = Labels(store, GROUPS)
    done: list[Any] = []
    for action, drawing, label, grouped in deeds:
        if action == "undo":
            store.undo("ada", f"undo-{next(NUMBERS):06}", LITE)
            done = done[:-1]
        elif not (grouped and drawing == "d3"):  # which is in no group
            say(store, action, drawing, label, BOATS.key if grouped else "")
            done.append((action, drawing, label, grouped))
    said = labels.now()

    own: defaultdict[str, set[str]] = defaultdict(set)
    of_group: set[str] = set()
    names: dict[str, str] = {}
    out: set[str] = set()
    group_name = ""
    for action, drawing, label, grouped in done:
        change = {"tag": set.add, "untag": set.discard}.get(action)
        if change:
            change(of_group if grouped else own[drawing], label)
        elif action == "name" and grouped:
            group_name = label
        elif action == "name":
            names[drawing] = label
        else:
            (out.add if action == "remove" else out.discard)(drawing)
    for drawing in ("d0", "d1", "d3", "d4", "d7"):
        inherits = drawing in BOATS.members and drawing not in out
        assert set(said.tags.get(drawing, ())) == own[drawing] | (of_group if inherits else set())
        assert set(said.own.get(drawing, ())) == own[drawing]
        assert said.names.get(drawing, "") == names.get(drawing, "")
    assert said.group_names.get(BOATS.key, "") == group_name
    assert said.removed.get(BOATS.key, frozenset()) == out
    assert all(said.counts[tag] == len(said.having(tag)) for tag in said.counts)
    assert labels.now() is said
    engine.dispose()


def test_suggestions_begin_with_what_begins_so(store: EventStore) -> None:
    for drawing, tag in (
        *(("d0", "sailing boat"), ("d1", "sailing boat"), ("d2", "Öl on paper"), ("d3", "boat")),
        *(("d4", "speedboat"), ("d5", "Boat race"), ("d6", "Boat race")),
    ):
        say(store, "tag", drawing, tag)
    said = Labels(store).now()
    assert said.suggested("boat") == ["Boat race", "boat", "sailing boat", "speedboat"]
    assert said.suggested(" OL") == ["Öl on paper"]
    assert said.suggested("boat", limit=1) == ["Boat race"]
    assert said.suggested("%") == []


def test_a_queue_is_filtered_and_ordered_by_tag(sqlite: Engine) -> None:
    store = EventStore(sqlite)
    labels = Labels(store)
    judged = queue(sqlite, said=labels.now, overlap=9)
    with pytest.raises(UserError, match="no tag is 'boat', there are no tags yet"):
        judged.claim("ada", Wish(where="tag=boat"))
    for drawing, tag in (("d007", "boat"), ("d003", "boat"), ("d004", "ship"), ("d003", "Ark")):
        say(store, "tag", drawing, tag)
    assert sorted(work(judged, "ben", Wish(where="tag=boat|ship", order="tag"))) == [
        *("d003", "d004", "d007")
    ]
    assert work(judged, "cleo", Wish(order="tag"), most=4)[:3] == ["d003", "d007", "d004"]
    untagged = [name for name in ALL if name not in ("d003", "d004", "d007")]
    assert sorted(work(judged, "dan", Wish(where="tag="))) == untagged
    where = "tag!=boat,country=FRA"
    assert held(judged.claim("eve", Wish(where=where, order="id"))) == "d000"
    for wrong, says in (
        ("tag=bout", "did you mean boat"),
        ("tag>boat", "tags have no order"),
        ("tag=Ark,country=FRA", "nothing in the index passes it"),
    ):
        with pytest.raises(UserError, match=says):
            judged.claim("fay", Wish(where=wrong))
    store.undo("ada", "undo-tags-1", LITE)
    with pytest.raises(UserError, match="no tag is 'Ark'"):
        judged.claim("fay", Wish(where="tag=Ark"))


def test_ten_thousand_tags(store: EventStore) -> None:
    drafts = [
        Draft(f"many-{number:06}", "tag", "drawing", f"d{number % 50}", label=f"tag {number}")
        for number in range(10_000)
    ]
    store.save("ada", drafts, LITE)
    said = Labels(store).now()
    assert len(said.counts) == 10_000
    assert said.suggested("tag 99")[:2] == ["tag 99", "tag 990"]
    assert said.passing((), ["d0"]).all()


def test_nothing_said_is_nothing() -> None:
    said = Said()
    assert said.suggested("") == []
    assert said.ordered(["b", "a"]) == [1, 0]
