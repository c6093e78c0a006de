"""No page needs anything but the server, and none does what the server's policy forbids."""

from __future__ import annotations

import pytest

from tests.web.browser.conftest import Visit
from tests.web.browser.states import Shown
from tests.web.live import LiveServer

MEANT = {"not found": 404, "history problem": 422, "login refused": 403, "queue": 422}
"""States whose point is that something is refused; the browser notes that as an error."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_keep_to_their_server_and_its_policy(shown: Shown, scheme: str) -> None:
    shown.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visitor = shown.visitor
    asked = shown.page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert any(each.startswith(f"{visitor.address}/static/style.css") for each in asked)
    assert [*visitor.problems, *visitor.violations()] == []
    meant = f"status of {MEANT.get(shown.name)} "
    assert all(meant in refusal for refusal in visitor.refusals), visitor.refusals


def test_a_request_to_another_server_is_seen(furnished: LiveServer, visit: Visit) -> None:
    """What the tests above rely on: the policy stops it, and both are told."""
    visitor = visit(furnished)
    visitor.open("/login")
    visitor.page.evaluate(
        """() => new Promise((resolve) => {
          const image = new Image();
          image.onload = image.onerror = resolve;
          image.src = "http://elsewhere.example/spy.png";
        })"""
    )
    assert "img-src: http://elsewhere.example/spy.png " in visitor.violations()
    assert any("Content Security Policy" in problem for problem in visitor.problems)
    visitor.problems.clear()
    visitor.page.goto("/login")
