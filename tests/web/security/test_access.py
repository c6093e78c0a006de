"""Who gets in, what is refused, what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from drawsim.common.errors import UserError
from drawsim.web.security import access as security
from drawsim.web.security.access import (
    FREE_TRIES,
    LONGEST_DELAY,
    POLICY,
    Throttle,
    check_bound,
    is_local,
    safe_way,
)
from drawsim.web.security.accounts import Sessions, User
from drawsim.web.services import Services
from tests.web.conftest import ADDRESS, PASSWORD, Browser, log_in

ASKING = (
    "/api/task?kind=drawing&id=d0",
    "/picture?kind=drawing&id=d0",
    "/overlay?drawing=d0&artwork=a0",
)
CHANGING = ("/api/next", "/api/renew", "/api/release", "/api/events", "/api/undo", "/api/find/text")


def test_nobody_is_served_without_a_session(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    for path in ASKING:
        answer = client.get(path)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
    for path in CHANGING:
        assert client.post(path, json={}).status_code == 401
    for page in ("/judge?kind=drawing", "/find", "/progress", "/review"):
        answer = client.get(page, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/login?then={quote(page)}"
        assert "set-cookie" not in answer.headers


def test_what_changes_something_needs_the_token(local: TestClient) -> None:
    del local.headers["X-CSRF-Token"]
    for path in CHANGING:
        assert local.post(path, json={}).status_code == 403
        wrong = local.post(path, json={}, headers={"X-CSRF-Token": "guessed"})
        assert (wrong.status_code, list(wrong.json())) == (403, ["error"])
    files = {"file": ("x.png", b"", "image/png")}
    assert local.post("/api/find/image", files=files).status_code == 403


def test_a_form_may_carry_the_token(guarded: Services, browser: Browser) -> None:
    client = log_in(browser(guarded), guarded, "ada")
    token = client.headers.pop("X-CSRF-Token")
    assert client.post("/logout", data={"csrf": "wrong"}).status_code == 403
    assert client.post("/logout").status_code == 403
    assert client.get(ASKING[0]).status_code == 200
    stolen = client.cookies["drawsim_session"]
    answer = client.post("/logout", data={"csrf": token}, follow_redirects=False)
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    client.cookies["drawsim_session"] = stolen
    assert client.get(ASKING[0]).status_code == 401  # the session itself is over


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    guarded: Services, browser: Browser
) -> None:
    credentials = {"name": "ada", "password": PASSWORD}
    answer = browser(guarded).post("/login", data=credentials, follow_redirects=False)
    parts = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} < set(parts)
    assert "Secure" not in parts
    assert any(re.fullmatch("Max-Age=4319[0-9]|Max-Age=43200", part) for part in parts)
    behind_tls = TestClient(browser(guarded).app, "https://127.0.0.1")
    answer = behind_tls.post("/login", data=credentials, follow_redirects=False)
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_without_accounts_a_page_begins_the_session(services: Services, browser: Browser) -> None:
    client = browser(services)
    assert client.get(ASKING[0]).status_code == 401
    assert client.get("/nowhere").status_code == 404
    page = client.get("/judge")
    session = services.sessions.find(client.cookies["drawsim_session"])
    assert session is not None
    assert (session.user, session.role) == ("local", "reviewer")
    assert session.csrf in page.text
    assert client.get(ASKING[0]).status_code == 200
    assert "set-cookie" not in client.get("/judge").headers


def test_a_session_of_times_without_accounts_is_over(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    client.cookies["drawsim_session"] = guarded.sessions.start(security.LOCAL).token
    assert client.get(ASKING[0]).status_code == 401


def test_who_has_no_account_any_more_is_out(guarded: Services, browser: Browser) -> None:
    client = log_in(browser(guarded), guarded, "ada")
    assert client.get(ASKING[0]).status_code == 200
    assert guarded.accounts is not None
    guarded.accounts.remove("ada")
    assert client.get(ASKING[0]).status_code == 401


def test_a_session_ends_with_its_time(guarded: Services, browser: Browser) -> None:
    brief = Sessions(guarded.sessions.engine, timedelta(seconds=-1))
    client = browser(guarded)
    client.cookies["drawsim_session"] = brief.start(User("ada", "annotator")).token
    assert client.get(ASKING[0]).status_code == 401


def test_only_reviewers_export(guarded: Services, browser: Browser) -> None:
    for name, status in (("ada", 403), ("rosa", 200)):
        client = log_in(browser(guarded), guarded, name)
        for file in ("pairs.csv", "unmatched.csv", "annotations.jsonld"):
            assert client.get(f"/export/{file}").status_code == status, file


def test_failed_logins_must_wait(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    wrong = {"name": "ada", "password": "wrong password"}
    for _ in range(FREE_TRIES):
        assert client.post("/login", data=wrong).status_code == 403
    right = {"name": "ada", "password": PASSWORD}
    answer = client.post("/login", data=right)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "set-cookie" not in answer.headers
    log_in(client, guarded, "rosa")  # others are not kept waiting


def test_waits_double_and_end() -> None:
    time = [100.0]
    throttle = Throttle(lambda: time[0])
    ada = ("ada", "127.0.0.1")
    waits = []
    for _ in range(FREE_TRIES + 12):
        waits.append(throttle.wait(ada))
        time[0] += waits[-1]
        assert throttle.wait(ada) == 0
        throttle.failed(ada)
    assert waits[:FREE_TRIES] == [0.0] * FREE_TRIES
    grown = waits[FREE_TRIES:]
    assert all(b == min(2 * a, LONGEST_DELAY) for a, b in pairwise(grown))
    assert grown[0] > 0
    assert grown[-1] == LONGEST_DELAY
    assert throttle.wait(("ada", "10.0.0.1")) == 0
    throttle.forget(ada)
    assert throttle.wait(ada) == 0


def test_the_throttle_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "REMEMBERED", 3)
    throttle = Throttle(lambda: 0.0)
    for name in ("a", "b", "c", "d"):
        for _ in range(FREE_TRIES):
            throttle.failed((name, ""))
    assert [throttle.wait((name, "")) > 0 for name in "abcd"] == [False, True, True, True]


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


def test_large_requests_are_refused(local: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_LIMIT", 1000)
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
    "then",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\r\nSet-Cookie: x=1"],
)
def test_a_login_leads_nowhere_else(then: str) -> None:
    assert safe_way(then) == "/"


def test_others_are_served_only_with_accounts() -> None:
    check_bound("127.0.0.1", accounts=False)
    check_bound("0.0.0.0", accounts=True)
    for host in ("0.0.0.0", "::", "192.168.1.7", "drawsim.example"):
        assert not is_local(host)
        with pytest.raises(UserError, match="no accounts"):
            check_bound(host, accounts=False)
