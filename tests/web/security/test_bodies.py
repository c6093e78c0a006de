"""What of a body is read: nothing of strangers, and never more than allowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from drawsim.web.security import bodies
from drawsim.web.services import Services
from tests.web.conftest import Browser


def unread() -> Iterator[bytes]:
    """A body that must not be asked for."""
    yield from map(pytest.fail, ["the body was read"])


def test_large_requests_are_refused(local: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_LIMIT", 1000)
    said = local.post("/api/find/text", json={"kind": "drawing", "text": "x" * 2000})
    assert said.status_code == 413

    def unsaid() -> Iterator[bytes]:
        yield b'{"kind": "drawing", "text": "'
        for _ in range(100):
            yield b"x" * 100

    streamed = local.post(
        "/api/find/text", content=unsaid(), headers={"Content-Type": "application/json"}
    )
    assert "content-length" not in streamed.request.headers
    assert (streamed.status_code, list(streamed.json())) == (413, ["error"])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/find/image", 401), ("/api/events", 401), ("/openapi.json", 401), ("/logout", 303)],
)
def test_nothing_is_read_of_strangers(
    guarded: Services, browser: Browser, path: str, status: int
) -> None:
    """The answer comes, whatever would follow, before a byte of it."""
    client = browser(guarded)
    answer = client.post(path, content=unread(), follow_redirects=False)
    assert answer.status_code == status


def test_a_form_of_strangers_is_small(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    answer = client.post("/login", data={"name": "ada", "password": "x" * bodies.FORM_LIMIT})
    assert answer.status_code == 413
    assert "too large: at most 16 kB" in answer.text
