"""History, disputes and true pairs, from a real event store; and the pages that show them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from drawsim.collection.grades import Grade
from drawsim.common.errors import UserError
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.review.history import (
    LISTED,
    Dispute,
    HistoryFilter,
    disputes,
    graded_pairs,
    history_page,
)
from drawsim.web.services import Services
from tests.html_page import Page
from tests.web.conftest import Browser, log_in

MADE_WITH = MadeWith("lite", "0" * 64)
CONFIRMED: tuple[Grade, ...] = ("same work",)


class Annotators:
    """An event store that people write to, each event under a fresh key."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.count = 0

    def key(self) -> str:
        self.count += 1
        return f"key-{self.count:06}"

    def save(self, who: str, **draft: object) -> str:
        key = self.key()
        whole = {"kind": "drawing"} | draft
        self.store.save(who, [Draft(key, **whole)], MADE_WITH)  # type: ignore[arg-type]
        return key

    def grade(self, who: str, drawing: str, artwork: str, grade: Grade, **more: object) -> str:
        return self.save(
            who, action="grade", drawing_id=drawing, artwork_id=artwork, grade=grade, **more
        )

    def answer(self, who: str, drawing: str, answer: str, *shown: str) -> str:
        return self.save(who, action=answer, drawing_id=drawing, shown_ids=shown)

    def disputes(self) -> list[Dispute]:
        store = self.store
        return disputes(store.judgements(), store.answers(), store.adjudications(), CONFIRMED)


@pytest.fixture
def people(tmp_path: Path) -> Annotators:
    return Annotators(EventStore(connect(f"sqlite:///{tmp_path}/events.sqlite")))


def said(dispute: Dispute) -> dict[str, str]:
    return {voice.annotator: voice.grade or voice.way for voice in dispute.voices}


def test_what_is_graded_differently_is_disputed(people: Annotators) -> None:
    people.grade("ann", "d1", "a1", "same work", note="the ship", rank=3)
    people.grade("bob", "d1", "a1", "same motif")
    people.grade("cyd", "d1", "a1", "unsure")
    people.grade("ann", "d0", "a1", "same motif")
    people.grade("bob", "d0", "a1", "same motif")  # the same
    people.grade("ann", "d0", "a0", "same work")  # alone
    (found,) = people.disputes()
    assert found.pair == ("d1", "a1")
    assert found.settled is None
    assert said(found) == {"ann": "same work", "bob": "same motif", "cyd": "unsure"}
    assert (found.voices[0].note, found.voices[0].rank) == ("the ship", 3)


def test_none_against_a_match_is_disputed_whatever_was_shown(people: Annotators) -> None:
    people.grade("ann", "d0", "a9", "same work")
    people.answer("bob", "d0", "none", "a0", "a1")
    people.answer("cyd", "d0", "none", "a0", "a1", "a9")
    people.answer("dan", "d0", "skip")
    (found,) = people.disputes()
    assert said(found) == {"ann": "same work", "bob": "none", "cyd": "none"}
    assert [(voice.rank, voice.shown) for voice in found.voices[1:]] == [(None, 2), (3, 3)]


def test_a_match_that_another_saw_and_left_is_disputed(people: Annotators) -> None:
    people.grade("ann", "d0", "a1", "same work")
    people.grade("ann", "d0", "a0", "same motif")
    people.grade("bob", "d0", "a0", "same motif")
    people.answer("bob", "d0", "done", "a0", "a1")
    people.answer("cyd", "d0", "done", "a0")  # never saw a1
    (found,) = people.disputes()
    assert found.pair == ("d0", "a1")  # what is less than a match may be left alone
    assert said(found) == {"ann": "same work", "bob": "left"}


def test_the_other_direction_counts_as_well(people: Annotators) -> None:
    people.grade("ann", "d0", "a1", "same work")
    people.save("bob", kind="artwork", action="none", artwork_id="a1", shown_ids=("d3", "d0"))
    (found,) = people.disputes()
    assert said(found) == {"ann": "same work", "bob": "none"}
    assert found.voices[1].rank == 2


def test_who_grades_after_all_is_heard_once(people: Annotators) -> None:
    people.grade("ann", "d0", "a1", "same work")
    people.answer("bob", "d0", "none", "a1")
    people.grade("bob", "d0", "a1", "same work")
    assert people.disputes() == []


def test_a_dispute_is_open_until_it_is_settled_and_again_when_that_is_undone(
    people: Annotators,
) -> None:
    people.grade("ann", "d0", "a1", "same work")
    people.answer("bob", "d0", "none", "a1")
    people.save(
        "rev", action="adjudicate", drawing_id="d0", artwork_id="a1", grade="unsure", note="dark"
    )
    (found,) = people.disputes()
    assert found.settled is not None
    assert (found.settled.grade, found.settled.annotator, found.settled.note) == (
        "unsure",
        "rev",
        "dark",
    )
    people.store.undo("rev", people.key(), MADE_WITH)
    (found,) = people.disputes()
    assert found.settled is None
    people.store.undo("bob", people.key(), MADE_WITH)
    assert people.disputes() == []


def test_history_pages_hold_each_event_once_newest_first(people: Annotators) -> None:
    keys = [people.grade("ann", f"d{i}", "a0", "same work") for i in range(7)]
    seen, before = [], None
    for size in (3, 3, 1):
        page = history_page(people.store, HistoryFilter(before=before), size=3)
        assert len(page.events) == size
        seen += [event.draft.key for event in page.events]
        before = page.older
    assert before is None
    assert seen == keys[::-1]


def test_an_undo_says_what_it_took_back(people: Annotators) -> None:
    people.grade("ann", "d0", "a0", "same work")
    people.store.undo("ann", people.key(), MADE_WITH)
    undo, graded = history_page(people.store, HistoryFilter()).events
    page = history_page(people.store, HistoryFilter())
    assert graded.undone
    assert page.taken_back == {undo.draft.key: graded}
    assert history_page(people.store, HistoryFilter(), size=1).taken_back == {}


def test_history_filters(people: Annotators) -> None:
    people.grade("ann", "d0", "a0", "same work", note="a Boat, with oars")
    people.grade("bob", "d1", "a0", "different")
    people.answer("bob", "d1", "done", "a0")
    today = history_page(people.store, HistoryFilter()).events[0].at.date()

    def count(**wanted: str) -> int:
        return len(history_page(people.store, HistoryFilter(**wanted)).events)  # type: ignore[arg-type]

    assert count() == 3
    assert count(annotator="bob") == 2
    assert count(annotator="bob", action="grade") == 1
    assert count(grade="same work") == 1
    assert count(drawing="d1") == 2
    assert count(artwork="a0") == 2
    assert count(text="boat") == 1
    assert count(since="2001-01-01", until=str(today)) == 3  # the last day is included
    assert count(until="2001-01-01") == 0
    assert count(until="9999-12-31") == 3
    assert count(since="2999-01-01") == 0


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"since": "yesterday"}, "is no date"),
        ({"until": "2024-13-01"}, "is no date"),
        ({"grade": "great"}, "no grade 'great'"),
        ({"action": "delete"}, "no action 'delete'"),
        ({"text": "a\0"}, "no NUL"),
        ({"before": 10**30}, "no event"),
        ({"before": -1}, "no event"),
    ],
)
def test_filters_that_cannot_be(people: Annotators, wanted: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        history_page(people.store, HistoryFilter(**wanted))  # type: ignore[arg-type]


def test_the_address_of_older_rows_keeps_the_filter() -> None:
    wanted = HistoryFilter(text="a & b", since="2024-05-01", before=9)
    assert wanted.older(4) == "since=2024-05-01&text=a+%26+b&before=4"
    assert wanted.older(None) == "since=2024-05-01&text=a+%26+b"
    assert wanted.chosen
    assert not HistoryFilter(before=9).chosen


def test_pairs_are_those_of_the_export_newest_first() -> None:
    table = pd.DataFrame(
        [
            ("d2", "a0", True, "", "eve", "last spring", "", "", ""),
            ("d1", "a0", True, "", "", "", "", "", "ben (not shown)"),
            ("d0", "a0", True, "same work", "ann", "2024-05-01T10:00:00+00:00", "", "", ""),
            (
                "d0",
                "a1",
                True,
                "same work",
                "ann; bob",
                "2024-05-02T10:00:00+00:00",
                "bob",
                "x",
                "",
            ),
            ("d0", "a2", False, "same motif", "ann", "2024-05-03T10:00:00+00:00", "", "", ""),
        ],
        columns=[
            "drawing_id",
            "artwork_id",
            "pair",
            "grade",
            "annotator",
            "annotated_at",
            "adjudicated",
            "note",
            "none_by",
        ],
    )
    names = [(pair.drawing_id, pair.artwork_id) for pair in graded_pairs(table, "")]
    assert names == [("d0", "a1"), ("d0", "a0")]
    before = [(pair.drawing_id, pair.artwork_id) for pair in graded_pairs(table, LISTED)]
    assert before == [("d1", "a0"), ("d2", "a0")]
    assert graded_pairs(table, LISTED)[0].none_by == "ben (not shown)"
    (motif,) = graded_pairs(table, "same motif")
    assert (motif.artwork_id, motif.annotators, motif.settled) == ("a2", "ann", False)
    assert graded_pairs(table, "")[0].settled


PAGES = ("/progress", "/review", "/review/disagreements", "/review/pairs")


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_an_empty_store_say_what_to_do(page: str, local: TestClient) -> None:
    # Pairs of the collection are confirmed without anybody's doing here.
    answer = local.get(page if page != "/review/pairs" else f"{page}?grade=unsure")
    assert answer.status_code == 200
    assert '<p class="empty">' in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_those_who_are_logged_in(
    page: str, guarded: Services, browser: Browser
) -> None:
    answer = browser(guarded).get(page, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def judged(services: Services) -> Annotators:
    """Two annotators who disagree about d0, whose queries are of the audit slice."""
    people = Annotators(services.store)
    shown = ("a0", "a1", "a2", "a3", "a4")
    for who, drawing, artwork in (("ada", "d0", "a2"), ("bob", "d1", "a1"), ("ada", "d1", "a1")):
        people.grade(who, drawing, artwork, "same work", note="<i>x</i>", rank=3, audit=True)
        people.save(
            who, action="done", drawing_id=drawing, shown_ids=shown, shown=5, seconds=8, audit=True
        )
    people.save("bob", action="none", drawing_id="d0", shown_ids=shown, shown=5, audit=True)
    people.store.undo("bob", people.key(), MADE_WITH)
    people.save("bob", action="none", drawing_id="d0", shown_ids=shown, shown=5, audit=True)
    return people


def test_pages_of_a_store_with_work_in_it(services: Services, local: TestClient) -> None:
    people = judged(services)
    people.grade("gone", "no longer there", "a0", "same work")
    people.grade("ada", "no longer there", "a0", "different")
    for page in PAGES:
        answer = local.get(page)
        assert answer.status_code == 200, page
        assert "<i>" not in answer.text  # notes are text
        found = Page(answer.text)
        assert found.of("style") == []
        assert all("src" in script for script in found.of("script"))
        assert not [own for _, own in found.elements if "style" in own or "onclick" in own]
        assert all(link.startswith("/") for link in found.fetched)


def test_progress_tells_agreement_and_recall(services: Services, local: TestClient) -> None:
    judged(services)
    words = " ".join(Page(local.get("/progress").text.replace("<t", " <t")).text.split())
    assert "ada and bob" in words
    # Seen by both: 5 candidates of d0 and of d1 each; graded by both: d1 with a1; alike: all but
    # d0 with a2. p_e = .8 * .9 + .2 * .1.
    assert "10 1 90.0 % 0.615" in words
    # Of d0 (a2 at 3, although a0 is known from before) and d1 (a0 is known: at 1).
    assert "top 1 100.0 %" in words


def test_history_in_a_browser(services: Services, local: TestClient) -> None:
    judged(services)
    page = Page(local.get("/review?annotator=bob").text)
    assert len(page.of("tr")) == 1 + 5  # the head; grade, done, none, undo, none
    assert page.count("tr", cls="undone") == 1
    answer = local.get("/review?since=now")
    assert answer.status_code == 422
    assert "is no date" in answer.text


def test_only_reviewers_settle(guarded: Services, browser: Browser) -> None:
    judged(guarded)
    address = "/review/disagreements"
    for name, forms in (("ada", 0), ("rosa", 1)):
        client = log_in(browser(guarded), guarded, name)
        assert Page(client.get(address).text).count("fieldset", cls="settle") == forms
    event = {
        "key": "settled-1",
        "action": "adjudicate",
        "kind": "drawing",
        "drawing_id": "d0",
        "artwork_id": "a2",
        "grade": "same work",
    }
    assert client.post("/api/events", json={"events": [event]}).status_code == 200
    assert "All disagreements are settled" in client.get(address).text
    assert "Settled by" in client.get(f"{address}?settled=true").text


def test_after_a_dispute_comes_the_next(services: Services, local: TestClient) -> None:
    people = Annotators(services.store)
    for artwork in ("a0", "a3", "a7"):
        people.grade("ada", "d0", artwork, "same work")
        people.grade("bob", "d0", artwork, "unsure")

    def shown(address: str) -> tuple[str, str]:
        (section,) = Page(local.get(address).text).of("section")
        return section["data-artwork"], section["data-next"]

    after, order = "/review/disagreements", []
    for _ in range(4):
        artwork, after = shown(after)
        order.append(artwork)
    assert order == ["a0", "a3", "a7", "a0"]
    # Where the pair that was asked for is settled meanwhile, the one behind it is shown.
    assert shown("/review/disagreements?drawing=d0&artwork=a1")[0] == "a3"


def test_confirmed_pairs_by_grade(services: Services, local: TestClient) -> None:
    before = len(services.collection.true_pairs)
    people = Annotators(services.store)
    people.grade("ada", "d7", "a9", "same work")
    people.grade("ada", "d7", "a8", "same motif")

    def pairs(address: str) -> int:
        return Page(local.get(address).text).count("li", cls="pair")

    assert pairs("/review/pairs") == 1
    assert pairs("/review/pairs?grade=listed") == before
    assert pairs("/review/pairs?grade=same+motif") == 1
    assert pairs("/review/pairs?grade=unsure") == 0
    assert pairs("/review/pairs?grade=listed&page=99") == before
    assert "pair=false" in local.get("/review/pairs?grade=same+motif").text
    for others in ("", "?grade=same+work", "?grade=listed", "?grade=unsure"):
        assert "pair=false" not in local.get(f"/review/pairs{others}").text
