"""Who gets which query: each annotator the next one, and nobody what others have."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, select, update

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.web.events.database import connect
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import LeaseRow, now
from drawsim.web.queue.measured import Values
from drawsim.web.queue.queue import Claim, Order, Queue, Wish
from drawsim.web.queue.sheet import Sheet
from drawsim.web.queue.uncertainty import UNKNOWN
from tests.web.queue.helpers import (
    ALL,
    NOBODY,
    answer,
    held,
    queue,
    table,
    undo,
    work,
)


def test_by_id(engine: Engine) -> None:
    assert work(queue(engine), "ada", Wish(order="id")) == ALL


def test_at_random_is_another_order_for_another_seed(engine: Engine) -> None:
    orders = []
    for seed, who in ((0, "ada"), (0, "rosa"), (1, "eve")):
        orders.append(work(queue(engine, overlap=3, seed=seed), who, Wish(order="random")))
        assert sorted(orders[-1]) == ALL
    assert orders[0] == orders[1] != orders[2]
    assert ALL not in orders


def test_the_least_certain_first_as_far_as_it_is_known(engine: Engine) -> None:
    asked: list[Kind] = []
    known = np.full(12, UNKNOWN)

    def uncertainty(kind: Kind) -> Values:
        asked.append(kind)
        return known

    mine = queue(engine, uncertainty=uncertainty)
    work(mine, "ada", Wish(order="id"), most=1)
    assert asked == []
    wish = Wish(order="uncertain")
    first = work(mine, "ada", wish, most=2)  # nothing is known yet: by chance
    known = known.copy()
    left = [place for place in range(1, 12) if ALL[place] not in first]
    known[left[:3]] = (0.5, 2.0, -1.0)
    order = work(mine, "ada", wish)
    assert order[:3] == [ALL[left[1]], ALL[left[0]], ALL[left[2]]]
    assert sorted([*first, *order]) == ALL[1:]


def test_what_others_have_begun_comes_first(engine: Engine) -> None:
    """With an overlap, so that annotators have drawings in common from the start."""
    mine = queue(engine, overlap=2)
    answer(engine, "rosa", "d003", "none")
    answer(engine, "rosa", "d005", "none")
    answer(engine, "eve", "d010", "skip")  # which is no answer
    assert set(work(mine, "ada", most=2)) == {"d003", "d005"}
    begun = held(mine.claim("ada", Wish()))
    assert held(mine.claim("rosa", Wish())) == begun  # and what they hold
    assert held(mine.claim("eve", Wish())) not in (begun, "d003", "d005")


def test_two_who_work_side_by_side_answer_the_same_drawings(engine: Engine) -> None:
    mine = queue(engine, overlap=2)
    done: dict[str, list[str]] = {"ada": [], "rosa": []}
    for _ in range(6):
        for who, names in done.items():
            names += work(mine, who, most=1)
    assert set(done["ada"]) == set(done["rosa"])


def test_a_filter_leaves_what_does_not_pass(engine: Engine) -> None:
    mine = queue(engine)
    wish = Wish(order="id", where="country=ITA,year>=2005")
    assert held(mine.claim("ada", Wish(order="id"))) == "d000"
    assert work(mine, "ada", wish) == ["d005", "d007", "d009", "d011"]
    assert mine.claim("ada", wish) is None
    assert held(mine.claim("ada", Wish())) == "d000"  # still held
    with pytest.raises(UserError, match="did you mean country"):
        mine.claim("ada", Wish(where="contry=ITA"))


def test_who_answered_and_holds_a_query_counts_once(engine: Engine) -> None:
    mine = queue(engine, 1, overlap=2)
    answer(engine, "rosa", "d000")
    mine.take("rosa", "drawing", "d000")
    assert held(mine.claim("ada", Wish())) == "d000"
    assert mine.claim("eve", Wish()) is None


def test_artworks_are_queries_too(engine: Engine) -> None:
    mine = queue(engine)
    claims = [mine.claim(who, Wish("artwork", "id")) for who in ("ada", "rosa", "eve", "zoe")]
    assert [claim and (claim.kind, claim.id) for claim in claims] == [
        ("artwork", "a000"),
        ("artwork", "a001"),
        ("artwork", "a002"),
        None,
    ]
    assert held(mine.claim("ada", Wish("drawing", "id"))) == "d000"  # another kind, another lease
    only = Queue(engine, {"drawing": table("d", 1)}, lambda kind: np.zeros(1))
    with pytest.raises(UserError, match="no artworks in the index"):
        only.claim("ada", Wish("artwork"))


# Leases


def test_one_comes_back_to_what_one_holds(engine: Engine) -> None:
    mine = queue(engine)
    first = mine.claim("ada", Wish())
    again = mine.claim("ada", Wish(order="uncertain"))
    assert held(first) == held(again)
    assert first is not None
    assert again is not None
    assert now() < first.until < again.until <= now() + timedelta(minutes=15)
    assert held(mine.claim("rosa", Wish())) != held(first)
    assert held(queue(engine).claim("ada", Wish())) == held(first)  # after a restart


def test_what_is_abandoned_returns(engine: Engine) -> None:
    short, mine = queue(engine, 1, lease=NOBODY), queue(engine, 1)
    assert held(short.claim("ada", Wish())) == "d000"
    assert held(mine.claim("rosa", Wish())) == "d000"
    assert mine.claim("ada", Wish()) is None
    mine.release("rosa", "drawing", "d000")
    assert held(mine.claim("ada", Wish())) == "d000"


def test_a_lease_is_renewed_while_it_is_held(engine: Engine) -> None:
    short, long = queue(engine, 1, lease=NOBODY), queue(engine, 1)
    short.take("ada", "drawing", "d000")
    assert not long.renew("ada", "drawing", "d000")
    long.take("ada", "drawing", "d000")
    assert long.renew("ada", "drawing", "d000")
    assert not long.renew("rosa", "drawing", "d000")
    assert not long.renew("ada", "artwork", "d000")
    assert short.renew("ada", "drawing", "d000")  # until now
    assert held(long.claim("rosa", Wish())) == "d000"


def test_taking_a_query_whoever_has_it(engine: Engine) -> None:
    mine = queue(engine, 2)
    assert held(mine.claim("ada", Wish(order="id"))) == "d000"
    answer(engine, "rosa", "d000")
    taken = mine.take("rosa", "drawing", "d000")
    assert (taken.kind, taken.id, taken.audit) == ("drawing", "d000", False)
    assert held(mine.claim("rosa", Wish(order="id"))) == "d001"  # not what she answered already
    assert held(mine.claim("ada", Wish(order="id"))) == "d000"
    with pytest.raises(UserError, match="no drawing 'd999'"):
        mine.take("ada", "drawing", "d999")


@pytest.mark.parametrize("days", [-36_500, -365, -1, 1, 365, 36_500])
def test_a_wrong_clock_locks_nothing_for_long(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """It is wrong while ada opens a drawing, and then put right."""
    mine, other = queue(engine, 1), queue(engine, 1)
    clock = [now() + timedelta(days=days)]
    monkeypatch.setattr("drawsim.web.events.database.now", lambda: clock[0])
    mine.take("ada", "drawing", "d000")
    clock[0] = now()
    other.claim("rosa", Wish())  # cuts what would hold for longer than a lease
    clock[0] += timedelta(minutes=16)
    late = now() + timedelta(minutes=16)
    with engine.begin() as connection:  # so much later, by PostgreSQL's own clock too
        row = connection.execute(select(LeaseRow.annotator, LeaseRow.until)).one()
        assert row.until < late
        connection.execute(update(LeaseRow).values(until=row.until - timedelta(minutes=16)))
    assert held(other.claim("rosa", Wish())) == "d000"


# Answers


def test_what_is_most_likely_comes_first_and_what_is_not_known_last(engine: Engine) -> None:
    values = np.array([-0.2, UNKNOWN, -0.9, -0.1])
    mine = queue(engine, 4, uncertainty=lambda kind: values)
    assert work(mine, "ada", Wish(order="likely")) == ["d002", "d000", "d003", "d001"]
    theirs = queue(engine, 4, uncertainty=lambda kind: values, overlap=2)
    assert work(theirs, "rosa", Wish(order="uncertain")) == ["d003", "d000", "d002", "d001"]


@pytest.mark.parametrize("how", ["done", "none", "skip"])
def test_what_one_left_never_comes_again(engine: Engine, how: str) -> None:
    mine = queue(engine, 1)
    answer(engine, "ada", "d000", how)
    assert mine.claim("ada", Wish()) is None
    for_others = mine.claim("rosa", Wish())
    assert (for_others is not None) == (how == "skip")


def test_what_was_undone_comes_again(engine: Engine) -> None:
    mine = queue(engine, 1)
    answer(engine, "ada", "d000", "skip")
    answer(engine, "ada", "d000", "none")
    assert mine.claim("rosa", Wish()) is None
    undo(engine, "ada")
    assert mine.claim("ada", Wish()) is None  # the skip counts again
    assert held(mine.claim("rosa", Wish())) == "d000"
    mine.release("rosa", "drawing", "d000")
    undo(engine, "ada")
    assert held(mine.claim("ada", Wish())) == "d000"


def test_answers_of_other_servers_and_of_images_that_are_gone(database_url: str) -> None:
    ours, theirs = connect(database_url), connect(database_url)
    mine = queue(ours, 3)
    answer(theirs, "rosa", "d000")
    answer(theirs, "rosa", "of former days")
    assert held(queue(theirs, 3).claim("eve", Wish(order="id"))) == "d001"
    assert held(mine.claim("ada", Wish(order="id"))) == "d002"
    ours.dispose()
    theirs.dispose()


def test_many_answers_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawsim.web.queue.queue.AT_ONCE", 5)
    mine = queue(engine)
    for name in ALL[:10]:
        answer(engine, "rosa", name)
    undo(engine, "rosa")
    assert work(mine, "ada", Wish(order="id")) == ["d009", "d010", "d011"]


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_as_many_annotators_as_wanted(engine: Engine, overlap: int) -> None:
    mine = queue(engine, 4, overlap=overlap)
    names = ["ada", "rosa", "eve", "zoe"]
    claimed = [mine.claim(who, Wish(order="id")) for who in names]
    assert [held(claim) for claim in claimed] == [f"d{i // overlap:03d}" for i in range(4)]
    for who in names:
        work(mine, who)
    answers = EventStore(engine).answers()
    assert Counter(answers["id"]) == dict.fromkeys(ALL[:4], overlap)
    assert not answers.duplicated(["annotator", "id"]).any()


@pytest.mark.parametrize("overlap", [1, 2])
def test_twenty_annotators_at_once(engine: Engine, overlap: int) -> None:
    """They claim and answer as fast as they can, on two servers: all is answered, nothing twice."""
    servers = [queue(engine, 60, overlap=overlap, audit=0.2) for _ in range(2)]
    start = threading.Barrier(20)
    failures: list[BaseException] = []

    def annotate(number: int) -> None:
        try:
            start.wait()
            order: Order = ("unjudged", "id", "random", "uncertain")[number % 4]
            work(servers[number % 2], f"annotator{number}", Wish(order=order))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=annotate, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    answers = EventStore(engine).answers()
    assert Counter(answers["id"]) == dict.fromkeys(table("d", 60).index, overlap)
    assert not answers.duplicated(["annotator", "id"]).any()


def test_twenty_claims_at_once_are_of_twenty_queries(engine: Engine) -> None:
    mine = queue(engine, 30)
    claims: list[Claim | None] = []
    start = threading.Barrier(20)

    def claim(number: int) -> None:
        start.wait()
        claims.append(mine.claim(f"annotator{number}", Wish()))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({held(each) for each in claims}) == 20


# The audit slice


def in_slice(rows: pd.DataFrame, audit: float) -> list[str]:
    return list(rows.index[Sheet("drawing", rows, seed=0, audit=audit).audited])


def test_the_slice_is_a_fixed_share(engine: Engine) -> None:
    rows = table("d", 2000)
    slice_ = Sheet("drawing", rows, seed=0, audit=0.1).audited
    assert abs(slice_.sum() - 200) < 5 * (2000 * 0.1 * 0.9) ** 0.5  # five standard deviations
    assert (slice_ != Sheet("drawing", rows, seed=1, audit=0.1).audited).any()
    assert Sheet("drawing", rows, seed=0, audit=0.2).audited[slice_].all()
    mine = queue(engine, 2000, audit=0.1)
    assert mine.take("ada", "drawing", rows.index[slice_][0]).audit
    assert not mine.take("ada", "drawing", rows.index[~slice_][0]).audit


def test_the_slice_is_served_apart_in_random_order(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One claim of four is drawn for the audit here, and only these come from the slice."""
    lots = iter([0.9, 0.1, 0.9, 0.9] * 100)
    monkeypatch.setattr("drawsim.web.queue.queue.random.random", lambda: next(lots))
    mine = queue(engine, 40, audit=0.5)
    audited = in_slice(table("d", 40), 0.5)
    others = sorted(set(table("d", 40).index) - set(audited))
    order = work(mine, "ada", Wish(order="id"))
    assert [name for name in order if name in others] == others
    served = [name for name in order if name in audited]
    assert sorted(served) == audited != served
    assert [name in audited for name in order[:8]] == [False, True, False, False] * 2
    assert order[-5:] == served[-5:]  # what is left when the others are done


def test_without_a_slice_and_with_nothing_else(engine: Engine) -> None:
    assert in_slice(table("d", 12), 0) == []
    everything = queue(engine, audit=1)
    claim = everything.claim("ada", Wish())
    assert claim is not None
    assert claim.audit
    assert sorted(work(everything, "ada", Wish(order="id"))) == ALL


# Progress


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"overlap": 0}, "at least 1 annotator"), ({"audit": 1.5}, "0 to 1"), ({"audit": -1}, "0 to")],
)
def test_settings_that_make_no_sense(tmp_path: Any, settings: dict[str, Any], says: str) -> None:
    engine = connect(f"sqlite:///{tmp_path}/annotations.sqlite")
    with pytest.raises(UserError, match=says):
        queue(engine, **settings)
    engine.dispose()
