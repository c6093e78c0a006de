"""The API as the pages use it, and as nobody should."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy.exc import OperationalError

from drawsim.web.app import create_app
from drawsim.web.queue.finder import Finder
from drawsim.web.security.access import FORM_SPACE, UPLOAD_LIMIT
from drawsim.web.services import Services
from tests.web.conftest import ADDRESS, Browser, Glass, log_in

KEY = "key-{:05}"


def event(number: int, action: str, drawing: str = "d0", **values: Any) -> dict[str, Any]:
    return {
        "key": KEY.format(number),
        "action": action,
        "kind": "drawing",
        "drawing_id": drawing,
        **values,
    }


def grade(number: int, artwork: str, given: str, **values: Any) -> dict[str, Any]:
    return event(number, "grade", artwork_id=artwork, grade=given, **values)


def send(client: TestClient, *events: dict[str, Any]) -> Any:
    answer = client.post("/api/events", json={"events": events})
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: Any, status: int) -> str:
    """The line of an error, which is all that it says."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert list(told) == ["error"]
    assert "\n" not in told["error"]
    return str(told["error"])


def png(colour: tuple[int, int, int] = (200, 40, 10)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


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
    assert [each["rank"] for each in more] == [6, 7, 8, 9]
    assert local.get("/api/candidates", params={**params, "start": 10**6}).json() == []


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


def test_pictures_are_sent_once(local: TestClient) -> None:
    for size, media_type in (("thumb", "image/webp"), ("full", "image/jpeg")):
        params = {"kind": "artwork", "id": "a2", "size": size}
        first = local.get("/picture", params=params)
        assert first.headers["content-type"] == media_type
        assert Image.open(io.BytesIO(first.content)).size == (50, 40)
        known = {"If-None-Match": f'"another", W/{first.headers["etag"]}'}
        again = local.get("/picture", params=params, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]


def test_overlays_are_pictures_or_not_there(local: TestClient) -> None:
    made = local.get("/overlay", params={"drawing": "d0", "artwork": "a0"})
    assert Image.open(io.BytesIO(made.content)).size == (20, 10)
    known = {"If-None-Match": made.headers["etag"]}
    again = local.get("/overlay", params={"drawing": "d0", "artwork": "a0"}, headers=known)
    assert again.status_code == 304
    none = local.get("/overlay", params={"drawing": "d7", "artwork": "a0"})
    assert "no common layout" in error(none, 404)
    error(local.get("/overlay", params={"drawing": "a0", "artwork": "a0"}), 404)


def test_without_a_model_the_app_says_so(
    services: Services, local: TestClient, browser: Browser
) -> None:
    finder = Finder(services.finder.indexes, None, services.collection)
    client = browser(replace(services, finder=finder))
    client.cookies.update(local.cookies)
    client.headers.update(local.headers)
    missing = client.get("/overlay", params={"drawing": "d0", "artwork": "a0"})
    assert "does not say its model" in error(missing, 404)
    box = {"kind": "drawing", "id": "d0", "box": [0, 0, 1, 1]}
    assert "does not say its model" in error(client.post("/api/find/box", json=box), 422)


def test_words_find_items(local: TestClient) -> None:
    found = local.post("/api/find/text", json={"kind": "artwork", "text": "A1"}).json()
    assert [each["id"] for each in found] == ["a1", "a10", "a11"]
    assert local.post("/api/find/text", json={"kind": "artwork", "text": " "}).json() == []


def test_an_upload_finds_what_looks_like_it(local: TestClient, services: Services) -> None:
    files = {"file": ("../../etc/passwd", png(), "text/html")}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    colour = np.full((1, 1, 3), (200, 40, 10), np.uint8)
    expected = services.finder.by_pixels(colour, "drawing")
    assert [each["id"] for each in answer.json()] == [each.id for each in expected]


def test_a_box_finds_what_looks_like_that_part(local: TestClient, services: Services) -> None:
    pixels = services.pictures.pixels("artwork", "a4")
    part = pixels[:20, 25:]  # of 40 x 50
    expected = services.finder.by_pixels(part, "artwork")
    box = {"kind": "artwork", "id": "a4", "box": [0.5, 0, 0.5, 0.5]}
    answer = local.post("/api/find/box", json=box)
    scores = [each["score"] for each in answer.json()]
    assert scores == pytest.approx([each.score for each in expected])
    whole = local.post("/api/find/box", json={**box, "box": [0, 0, 1, 1]}).json()
    assert scores != pytest.approx([each["score"] for each in whole])

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    uploaded = local.post(
        "/api/find/image",
        files={"file": ("x", buffer.getvalue())},
        data={"kind": "artwork", "x": "0.5", "y": "0", "width": "0.5", "height": "0.5"},
    )
    assert [each["score"] for each in uploaded.json()] == pytest.approx(scores)


@pytest.mark.parametrize("box", [[0, 0, 0, 1], [0.5, 0, 0.6, 1], [0, 0.9, 1, 0.2]])
def test_boxes_must_be_inside(local: TestClient, box: list[float]) -> None:
    given = {"kind": "drawing", "id": "d0", "box": box}
    assert "inside the picture" in error(local.post("/api/find/box", json=given), 422)
    data = {
        "kind": "drawing",
        **dict(zip(("x", "y", "width", "height"), map(str, box), strict=True)),
    }
    answer = local.post("/api/find/image", files={"file": ("x", png())}, data=data)
    assert "inside the picture" in error(answer, 422)


@pytest.mark.parametrize("content", [b"", b"<svg/>", png()[:50], b"GIF89a" + b"\0" * 50])
def test_uploads_that_are_no_pictures_are_refused(local: TestClient, content: bytes) -> None:
    files = {"file": ("x.png", content, "image/png")}
    error(local.post("/api/find/image", files=files, data={"kind": "drawing"}), 422)


def test_uploads_that_are_malformed_are_refused(local: TestClient) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    error(local.post("/api/find/image", content=b"--y\r\nnonsense", headers=kind), 400)
    kind = {"Content-Type": "multipart/form-data"}
    error(local.post("/api/find/image", content=b"", headers=kind), 400)
    error(local.post("/api/find/image", data={"kind": "drawing", "file": "text"}), 422)
    error(local.post("/api/find/image", json={"kind": "drawing"}), 422)


def test_uploads_that_are_too_large_are_refused(local: TestClient) -> None:
    for size in (UPLOAD_LIMIT + 1, UPLOAD_LIMIT + FORM_SPACE):
        files = {"file": ("x.png", b"\0" * size)}
        answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
        assert "too large" in error(answer, 413)


def test_a_database_that_does_not_answer_is_no_defect(
    local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("down"))

    monkeypatch.setattr("drawsim.web.queue.queue.Queue.claim", down)
    error(local.post("/api/next", json={}), 503)


def test_a_defect_tells_no_inner_things(
    services: Services, local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("drawsim.web.queue.queue.Queue.claim", broken)
    client = TestClient(create_app(services), ADDRESS, raise_server_exceptions=False)
    client.cookies.update(local.cookies)
    client.headers.update(local.headers)
    assert "secret" not in error(client.post("/api/next", json={}), 500)


def test_errors_of_pages_are_pages(local: TestClient) -> None:
    for path, status in (("/nowhere", 404), ("/judge?id=nobody", 404), ("/judge?kind=x", 422)):
        answer = local.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    script = "<script>alert(1)</script>"
    page = local.get("/judge", params={"id": script})
    assert script not in page.text
    assert "&lt;script&gt;" in page.text


def test_openapi_tells_every_route_and_error(local: TestClient) -> None:
    schema = local.get("/openapi.json").json()
    told = {
        (path, method): set(operation["responses"])
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    assert {path for path, _ in told} == {
        *("/api/next", "/api/task", "/api/renew", "/api/release", "/api/candidates"),
        *("/api/events", "/api/undo", "/api/find/text", "/api/find/image", "/api/find/box"),
        *("/picture", "/overlay"),
        *("/export/pairs.csv", "/export/unmatched.csv", "/export/annotations.jsonld"),
    }
    for (path, method), codes in told.items():
        assert {"200", "401", "503"} <= codes
        if method == "post":
            assert {"400", "403", "413", "422"} <= codes, path
    operations = [o for each in schema["paths"].values() for o in each.values()]
    assert all(operation["security"] for operation in operations)
    for operation in operations:
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                told_as = response["content"]["application/json"]["schema"]
                assert told_as == {"$ref": "#/components/schemas/ErrorResponse"}


def test_the_lens_is_asked_for_the_kind_of_the_query(
    local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[str] = []
    see = Glass.embed

    def noting(self: Glass, pixels: np.ndarray, kind: Any) -> np.ndarray:
        kinds.append(kind)
        return see(self, pixels, kind)

    monkeypatch.setattr(Glass, "embed", noting)
    for kind in ("drawing", "artwork"):
        files = {"file": ("x", png())}
        found = local.post("/api/find/image", files=files, data={"kind": kind}).json()
        assert {each["kind"] for each in found} == {"artwork" if kind == "drawing" else "drawing"}
    assert kinds == ["drawing", "artwork"]
