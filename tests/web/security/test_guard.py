"""Whose requests are heard, and what every answer carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from drawsim.common.errors import UserError
from drawsim.web.security.guard import POLICY, check_bound, is_local
from drawsim.web.services import Services
from tests.web.conftest import ADDRESS, PASSWORD, Browser, log_in

ASKING = ("/api/task?kind=drawing&id=d0", "/picture?kind=drawing&id=d0")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7777", 200),
        ("localhost", 200),
        ("[::1]:7777", 200),
        ("evil.example:7777", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_the_app_answers_to_its_own_names_only(local: TestClient, host: str, status: int) -> None:
    answer = local.get(ASKING[0], headers={"Host": host})
    assert answer.status_code == status
    if status == 403:
        assert "not known by that name" in answer.json()["error"]


def test_an_app_bound_to_all_addresses_has_any_name(guarded: Services, browser: Browser) -> None:
    everywhere = replace(guarded, settings=replace(guarded.settings, host="0.0.0.0"))
    client = log_in(browser(everywhere), everywhere, "ada")
    answer = client.get(ASKING[0], headers={"Host": "drawsim.example"})
    assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999"])
def test_other_sites_may_not_send(guarded: Services, browser: Browser, origin: str) -> None:
    credentials = {"name": "ada", "password": PASSWORD}
    answer = browser(guarded).post("/login", data=credentials, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_own_site_may_send(local: TestClient) -> None:
    answer = local.post("/api/next", json={}, headers={"Origin": ADDRESS})
    assert answer.status_code == 200


def test_every_answer_carries_the_policy(local: TestClient) -> None:
    for path in (*ASKING, "/judge", "/static/style.css", "/nowhere", "/api/nowhere"):
        answer = local.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "'unsafe" not in POLICY


def test_what_may_be_kept_is_said(local: TestClient) -> None:
    kept = {
        "/judge": "no-store",
        ASKING[0]: "no-store",
        ASKING[1]: "private, no-cache",
        "/static/style.css": "no-cache",
        "/static/style.css?v=1": "public, max-age=31536000, immutable",
    }
    for path, header in kept.items():
        assert local.get(path).headers["cache-control"] == header, path


def test_others_are_served_only_with_accounts() -> None:
    check_bound("127.0.0.1", accounts=False)
    check_bound("0.0.0.0", accounts=True)
    for host in ("0.0.0.0", "::", "192.168.1.7", "drawsim.example"):
        assert not is_local(host)
        with pytest.raises(UserError, match="no accounts"):
            check_bound(host, accounts=False)
