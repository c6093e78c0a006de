"""Requests as the pages send them, and what is read of an answer."""

from __future__ import annotations

import io
from typing import Any

from fastapi.testclient import TestClient
from PIL import Image

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
