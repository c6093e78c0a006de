"""Looking for pictures: by words, by an upload, by a box."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from drawsim.web.security.bodies import FORM_LIMIT, UPLOAD_LIMIT
from drawsim.web.services import Services
from tests.web.api.requests import error, png
from tests.web.conftest import Glass


def test_words_find_items(local: TestClient) -> None:
    found = local.post("/api/find/text", json={"kind": "artwork", "text": "A1"}).json()
    assert [each["id"] for each in found] == ["a1", "a10", "a11"]
    assert local.post("/api/find/text", json={"kind": "artwork", "text": " "}).json() == []


def test_an_upload_finds_what_looks_like_it(local: TestClient, services: Services) -> None:
    files = {"file": ("../../etc/passwd", png(), "text/html")}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    colour = np.full((1, 1, 3), (200, 40, 10), np.uint8)
    expected = services.finder.by_pixels(colour, "drawing")
    assert [each["id"] for each in answer.json()["candidates"]] == [each.id for each in expected]


def test_a_box_finds_what_looks_like_that_part(local: TestClient, services: Services) -> None:
    pixels = services.pictures.pixels("artwork", "a4")
    part = pixels[:20, 25:]  # of 40 x 50
    expected = services.finder.by_pixels(part, "artwork")
    box = {"kind": "artwork", "id": "a4", "box": [0.5, 0, 0.5, 0.5]}
    answer = local.post("/api/find/box", json=box)
    scores = [each["score"] for each in answer.json()["candidates"]]
    assert scores == pytest.approx([each.score for each in expected])
    whole = local.post("/api/find/box", json={**box, "box": [0, 0, 1, 1]}).json()["candidates"]
    assert scores != pytest.approx([each["score"] for each in whole])

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    uploaded = local.post(
        "/api/find/image",
        files={"file": ("x", buffer.getvalue())},
        data={"kind": "artwork", "x": "0.5", "y": "0", "width": "0.5", "height": "0.5"},
    )
    assert [each["score"] for each in uploaded.json()["candidates"]] == pytest.approx(scores)


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
    for size in (UPLOAD_LIMIT + 1, UPLOAD_LIMIT + FORM_LIMIT):
        files = {"file": ("x.png", b"\0" * size)}
        answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
        assert "too large" in error(answer, 413)


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
        found = local.post("/api/find/image", files=files, data={"kind": kind}).json()["candidates"]
        assert {each["kind"] for each in found} == {"artwork" if kind == "drawing" else "drawing"}
    assert kinds == ["drawing", "artwork"]
