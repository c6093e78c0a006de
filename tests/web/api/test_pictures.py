"""Pictures and overlays, sent once."""

from __future__ import annotations

import io
from dataclasses import replace

from fastapi.testclient import TestClient
from PIL import Image

from drawsim.web.queue.finder import Finder
from drawsim.web.services import Services
from tests.web.api.requests import error
from tests.web.conftest import Browser


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
