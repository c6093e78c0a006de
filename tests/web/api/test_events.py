"""What people do is saved once, taken back, and refused where it makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from drawsim.web.services import Services
from tests.web.api.requests import KEY, error, event, grade, send
from tests.web.conftest import Browser, log_in


def test_an_event_is_saved_once_however_often_it_is_sent(
    local: TestClient, services: Services
) -> None:
    first = send(local, grade(1, "a3", "same work"))
    assert (first["saved"], first["known"]) == ([KEY.format(1)], [])
    again = send(local, grade(1, "a3", "same work"), grade(2, "a4", "unsure"))
    assert (again["saved"], again["known"]) == ([KEY.format(2)], [KEY.format(1)])
    assert len(services.store.history()) == 2
    made_with = services.store.history()[0].made_with
    assert made_with == services.finder.made_with
    other = local.post("/api/events", json={"events": [grade(1, "a3", "different")]})
    assert "used for something else" in error(other, 422)


def test_an_answer_gives_the_query_back(local: TestClient) -> None:
    asked = {"order": "id"}
    assert local.post("/api/next", json=asked).json()["task"]["id"] == "d0"
    assert local.post("/api/next", json=asked).json()["task"]["id"] == "d0"
    lease = {"kind": "drawing", "id": "d0"}
    assert local.post("/api/renew", json=lease).json() == {"held": True}
    progress = send(local, event(1, "none", shown=5, shown_ids=["a1"]))["progress"]
    assert progress == {"mine": 1, "answered": 1, "total": 8}
    assert local.post("/api/renew", json=lease).json() == {"held": False}
    assert local.post("/api/next", json=asked).json()["task"]["id"] == "d1"
    release = local.post("/api/release", json={"kind": "drawing", "id": "d1"})
    assert release.json() == {"held": False}
    for number, name in enumerate(["d1", "d2", "d3", "d4", "d5", "d6", "d7"], 2):
        send(local, event(number, "skip", name))
    assert local.post("/api/next", json=asked).json() == {"task": None}


def test_undo_takes_back_the_latest(local: TestClient) -> None:
    send(local, grade(1, "a3", "same work"), grade(2, "a4", "unsure", rank=3))
    undone = local.post("/api/undo", json={"key": KEY.format(3)}).json()["undone"]
    assert (undone["key"], undone["grade"], undone["rank"]) == (KEY.format(2), "unsure", 3)
    assert undone["annotator"] == "local"
    same = local.post("/api/undo", json={"key": KEY.format(3)}).json()["undone"]
    assert same == undone
    task = local.get("/api/task", params={"kind": "drawing", "id": "d0"}).json()
    assert task["judgements"] == {"a3": "same work"}
    assert local.post("/api/undo", json={"key": KEY.format(4)}).json()["undone"] is not None
    assert local.post("/api/undo", json={"key": KEY.format(5)}).json() == {"undone": None}


def test_only_reviewers_adjudicate(guarded: Services, browser: Browser) -> None:
    verdict = {"events": [event(1, "adjudicate", artwork_id="a3", grade="same work")]}
    ada, rosa = (log_in(browser(guarded), guarded, name) for name in ("ada", "rosa"))
    assert "only reviewers" in error(ada.post("/api/events", json=verdict), 403)
    assert rosa.post("/api/events", json=verdict).json()["saved"] == [KEY.format(1)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (grade(1, "a99", "same work"), "no artwork 'a99'"),
        (event(1, "done", "d99"), "no drawing 'd99'"),
        (event(1, "done", shown_ids=["a0", "d0"]), "no candidate 'd0'"),
        (event(1, "undo"), "asked for"),
        (event(1, "grade", artwork_id="a0"), "a grade comes with grade"),
        (grade(1, "a0", "like"), "Input should be 'same work'"),
        (event(1, "box", artwork_id="a0", drawing_box=[0.5, 0.5, 0.7, 0.1]), "within the picture"),
        (event(1, "box", artwork_id="a0", drawing_box=[0.5, 0.5, 0.7]), "drawing_box"),
        (event(1, "note", note="\0"), "note"),
        (event(1, "note", note="\ud800"), "note"),
        ({**event(1, "done"), "key": "short"}, "key"),
        ({**event(1, "done"), "colour": "red"}, "colour"),
        (event(1, "done", seconds=-1), "seconds"),
        (event(1, "done", seconds=1e300), "seconds"),
        (event(1, "done", shown=10**30), "shown"),
    ],
)
def test_wrong_events_are_refused_and_nothing_is_saved(
    local: TestClient, services: Services, wrong: dict[str, Any], says: str
) -> None:
    body = json.dumps({"events": [grade(7, "a3", "same work"), wrong]})
    answer = local.post(
        "/api/events", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert says in error(answer, 422)
    assert services.store.history() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"\\ud800"', 422),
        (b'{"kind": "\\ud800", "text": "a"}', 422),
        (b'{"\\ud800": 1}', 422),
        (b'{"kind": "drawing", "text": NaN}', 422),
        (b'"\xff"', 400),
        (b'{"a":' * 100_000, 400),
        (b"[" * 500_000, 400),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(
    local: TestClient, body: bytes, status: int
) -> None:
    answer = local.post(
        "/api/find/text", content=body, headers={"Content-Type": "application/json"}
    )
    error(answer, status)
