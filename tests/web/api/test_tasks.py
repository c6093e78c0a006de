"""Queries: the next one, one by its id, its candidates, orders and filters."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from drawsim.web.services import Services
from tests.web.api.requests import error, event, grade, send
from tests.web.conftest import Browser, log_in


def test_a_task_has_all_that_the_page_needs(local: TestClient, services: Services) -> None:
    task = local.post("/api/next", json={"order": "id"}).json()["task"]
    assert (task["kind"], task["id"], task["k"], task["total"]) == ("drawing", "d0", 5, 12)
    expected = services.finder.candidates("drawing", "d0", 0, 5)
    assert [(each["id"], each["rank"]) for each in task["candidates"]] == [
        (each.id, each.rank) for each in expected
    ]
    assert [each["id"] for each in task["candidates"] if each["known"]] == [
        each.id for each in expected if each.known
    ]
    assert task["item"] == {
        "kind": "drawing",
        "id": "d0",
        "title": "d0",
        "artist": "",
        "details": {},
        "rights": {"label": "", "address": "", "statement": "", "homepage": "", "use": "unknown"},
        "width": None,
        "height": None,
    }
    assert (task["judgements"], task["notes"], task["boxes"], task["note"]) == ({}, {}, {}, "")
    assert task["answer"] is None
    assert task["progress"] == {"mine": 0, "answered": 0, "total": 8}


def test_what_was_decided_comes_back_with_the_task(local: TestClient) -> None:
    box = [0.1, 0.2, 0.3, 0.4]
    send(
        local,
        grade(1, "a3", "same work", note="the boat", rank=2, score=0.5, shown=5),
        grade(2, "a4", "different"),
        event(3, "box", artwork_id="a5", drawing_box=box),
        event(4, "note", note="a copy of a copy"),
        event(5, "clear", artwork_id="a4"),
        event(6, "done", shown=5, shown_ids=["a3", "a4"], seconds=2.5, note="sure"),
    )
    task = local.get("/api/task", params={"kind": "drawing", "id": "d0"}).json()
    assert task["judgements"] == {"a3": "same work"}
    assert task["notes"] == {"a3": "the boat"}
    assert task["boxes"] == {"a5": {"drawing_box": box, "artwork_box": None}}
    assert (task["note"], task["answer"]) == ("sure", "done")
    assert task["progress"] == {"mine": 1, "answered": 1, "total": 8}
    back = local.get("/api/task", params={"kind": "artwork", "id": "a3"}).json()
    assert back["judgements"] == {"d0": "same work"}


def test_two_annotators_get_different_queries(guarded: Services, browser: Browser) -> None:
    clients = [log_in(browser(guarded), guarded, name) for name in ("ada", "rosa")]
    ids = [client.post("/api/next", json={}).json()["task"]["id"] for client in clients]
    assert ids[0] != ids[1]
    # Opened by its id, a query may be looked at by both.
    task = clients[0].get("/api/task", params={"kind": "drawing", "id": ids[1]})
    assert task.json()["id"] == ids[1]
    send(clients[1], {**grade(1, "a3", "same work"), "drawing_id": ids[1]})
    task = clients[0].get("/api/task", params={"kind": "drawing", "id": ids[1]})
    assert task.json()["judgements"] == {}  # of this user alone


def test_filters_and_orders_of_the_queue(local: TestClient) -> None:
    found = local.post("/api/next", json={"where": "id=d3|d5", "order": "id"})
    assert found.json()["task"]["id"] == "d3"
    wrong = local.post("/api/next", json={"where": "year>2000"})
    assert "no column 'year'" in error(wrong, 422)
    assert local.post("/api/next", json={"order": "uncertain"}).json()["task"] is not None
    artwork = local.post("/api/next", json={"kind": "artwork"}).json()["task"]
    assert artwork["candidates"][0]["kind"] == "drawing"


def test_more_candidates_follow_the_first(local: TestClient) -> None:
    params: dict[str, Any] = {"kind": "drawing", "id": "d0", "start": 5, "count": 4}
    more = local.get("/api/candidates", params=params).json()
    assert [each["rank"] for each in more["candidates"]] == [6, 7, 8, 9]
    after = local.get("/api/candidates", params={**params, "start": 10**6}).json()
    assert after == {"candidates": [], "fault": ""}


@pytest.mark.parametrize("path", ["/api/task", "/api/candidates", "/picture", "/picture?size=full"])
@pytest.mark.parametrize(
    "name", ["nobody", "../../etc/passwd", "/etc/passwd", "drawings/d0.png", "%2e%2e%2f", "é" * 500]
)
def test_unknown_ids_are_not_found(local: TestClient, path: str, name: str) -> None:
    answer = local.get(path, params={"kind": "drawing", "id": name, "size": "full"})
    assert "drawing" in error(answer, 404)


@pytest.mark.parametrize("name", ["", "\0", "d0\0", "x" * 501])
def test_ids_that_cannot_be_are_refused(local: TestClient, name: str) -> None:
    for path in ("/api/task", "/api/candidates", "/picture"):
        error(local.get(path, params={"kind": "drawing", "id": name}), 422)
    for path in ("/api/renew", "/api/release"):
        error(local.post(path, json={"kind": "drawing", "id": name}), 422)
