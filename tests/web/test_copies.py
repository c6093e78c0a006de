"""Style copies are no drawings: not queued, not found, not counted, not exported as such."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.web.events.drafts import Action, Draft
from drawsim.web.queue.queue import Tally, Wish
from drawsim.web.services import Services
from tests.web.conftest import Browser, make_index, make_services

COPIES = {f"d{i}_{style}": f"d{i}" for i in range(8) for style in ("texture", "oil")}


@pytest.fixture
def styled(collection_root: Path, tmp_path: Path) -> Services:
    """An app on a collection with two style copies of each drawing."""
    root = tmp_path / "styled"
    root.mkdir()
    for name in ("drawings", "artworks"):
        shutil.copytree(collection_root / name, root / name)
    lines = ["id,path,parent", *(f"d{i},drawings/d{i}.png," for i in range(8))]
    lines += [f"{copy},drawings/{own}.png,{own}" for copy, own in COPIES.items()]
    (root / "drawings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("artworks.csv", "pairs.csv"):
        (root / name).write_bytes((collection_root / name).read_bytes())
    collection = Collection.open(root)
    assert len(collection.copies) == len(COPIES)
    index = make_index(tmp_path / "INDEX", collection, 0)
    return make_services(tmp_path, collection, index)


def test_only_originals_are_queued_and_counted(styled: Services) -> None:
    claimed = []
    for number in range(30):
        claim = styled.queue.claim("ada", Wish())
        if claim is None:
            break
        claimed.append(claim.id)
        draft = Draft(f"answer-{number:03}", "done", "drawing", claim.id, shown_ids=("a0",))
        styled.store.save("ada", [draft], styled.finder.made_with)
    assert sorted(claimed) == [f"d{i}" for i in range(8)]
    assert styled.queue.tally("ada", "drawing").total == 8
    with pytest.raises(UserError, match="d0_oil"):
        styled.queue.take("ada", "drawing", "d0_oil")


def test_only_originals_are_found(styled: Services) -> None:
    finder = styled.finder
    found = finder.candidates("artwork", "a0", 0, 100)
    assert sorted(each.id for each in found) == [f"d{i}" for i in range(8)]
    assert [each.rank for each in found] == list(range(1, 9))
    pixels = styled.pictures.pixels("artwork", "a0")
    assert {each.id for each in finder.by_pixels(pixels, "artwork", 40)} <= {
        f"d{i}" for i in range(8)
    }
    assert [each.id for each in finder.by_text("drawing", "d0")] == ["d0"]
    assert set(finder.ids["drawing"]) == {f"d{i}" for i in range(8)}


def test_what_was_said_of_copies_is_told_of_originals(styled: Services, browser: Browser) -> None:
    """Earlier versions queued copies: two people judged two copies of one drawing."""
    made_with, store = styled.finder.made_with, styled.store
    for who, copy, grade in (("ada", "d7_oil", "same work"), ("ben", "d7_texture", "different")):
        given = {"drawing_id": copy, "artwork_id": "a9"}
        draft = Draft(f"judged-{who}", "grade", "drawing", **given, grade=grade)  # type: ignore[arg-type]
        store.save(who, [draft], made_with)
        done = Draft(f"answered-{who}", "done", "drawing", copy, shown_ids=("a9", "a1"))
        store.save(who, [done], made_with)
    client = browser(styled)
    page = client.get("/review/disagreements").text
    assert 'data-drawing="d7" data-artwork="a9"' in page
    assert "ada and ben" in client.get("/progress").text
    told = json.loads(client.get("/export/annotations.jsonld").text)["first"]["items"]
    assert {each["target"]["source"]["dcterms:identifier"] for each in told} == {"d7"}
    table = client.get("/export/pairs.csv").text
    assert "d7,a9,false,d7,unsure,ada; ben" in table
    assert not any(copy in table for copy in COPIES)


def test_what_was_answered_of_copies_is_answered(styled: Services) -> None:
    queue, store = styled.queue, styled.store

    def leave(key: str, who: str, how: Action, name: str) -> None:
        draft = Draft(f"left-{key}", how, "drawing", name, shown_ids=("a0",))
        store.save(who, [draft], styled.finder.made_with)

    assert queue.tally("ada", "drawing").mine == 0
    leave("0001", "ada", "done", "d3_oil")
    leave("0002", "ada", "none", "d3_texture")
    leave("0003", "ben", "skip", "d3_oil")
    assert queue.tally("ada", "drawing").mine == 1
    assert queue.tally("ben", "drawing") == Tally(mine=0, answered=1, total=8)
    wish = Wish(order="id")
    for who in ("ada", "ben", "eve"):
        left = []
        while (claim := queue.claim(who, wish)) is not None:
            left.append(claim.id)
            leave(f"{who}-{claim.id}", who, "skip", claim.id)
        assert "d3" not in left
    told = {each.annotator: each for each in styled.standings.latest().annotators}
    assert (told["ada"].answered, told["ada"].none, told["ada"].skipped) == (1, 1, 7)
    assert store.undo("ada", "undo-0001", styled.finder.made_with) is not None
    assert queue.tally("ada", "drawing").mine == 1


def test_one_grade_through_two_copies_counts_once(styled: Services) -> None:
    made_with, store = styled.finder.made_with, styled.store
    for number, copy in enumerate(("d7_oil", "d7_texture", "d7")):
        given = {"drawing_id": copy, "artwork_id": "a9", "grade": "same work"}
        draft = Draft(f"graded-{number}", "grade", "drawing", **given)  # type: ignore[arg-type]
        store.save("ada", [draft], made_with)
    (ada,) = styled.standings.latest().annotators
    assert ada.graded["same work"] == 1


def test_what_one_said_of_a_copy_is_shown_at_its_original(
    styled: Services, browser: Browser
) -> None:
    made_with, store = styled.finder.made_with, styled.store

    def do(key: str, action: Action, drawing: str, **more: object) -> None:
        draft = Draft(f"said-{key}", action, "drawing", drawing, **more)  # type: ignore[arg-type]
        store.save("local", [draft], made_with)

    do("0001", "grade", "d7_oil", artwork_id="a9", grade="same work", note="the boat")
    do("0002", "grade", "d7_texture", artwork_id="a9", grade="same motif")
    do("0003", "grade", "d7", artwork_id="a1", grade="unsure")
    do("0004", "box", "d7_oil", artwork_id="a9", drawing_box=(0, 0, 0.5, 0.5))
    do("0005", "note", "d7_oil", note="a sunny one")
    do("0006", "done", "d7_oil", shown_ids=("a9",))
    client = browser(styled)
    client.get("/judge")
    whole = client.get("/api/task?kind=drawing&id=d7").json()
    assert whole["judgements"] == {"a9": "same motif", "a1": "unsure"}
    assert whole["notes"] == {"a9": "the boat"}
    assert whole["boxes"]["a9"]["drawing_box"] == [0, 0, 0.5, 0.5]
    assert (whole["note"], whole["answer"]) == ("a sunny one", "done")
    of_artwork = client.get("/api/task?kind=artwork&id=a9").json()
    assert of_artwork["judgements"] == {"d7": "same motif"}


def test_a_copy_cannot_be_judged(styled: Services, browser: Browser) -> None:
    client = browser(styled)
    client.get("/judge")
    session = styled.sessions.find(client.cookies[styled.sessions.cookie])
    assert session is not None
    event = {"key": "event-0001", "action": "grade", "kind": "drawing", "drawing_id": "d0_oil"}
    event |= {"artwork_id": "a0", "grade": "same work"}
    answer = client.post(
        "/api/events", json={"events": [event]}, headers={"X-CSRF-Token": session.csrf}
    )
    assert answer.status_code == 422
    assert "no drawing 'd0_oil'" in answer.json()["error"]
    assert client.get("/judge?id=d0_oil").status_code == 404
