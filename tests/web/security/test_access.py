"""Who gets in, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from drawsim.web.events.database import connect
from drawsim.web.events.tables import now
from drawsim.web.security import access as security
from drawsim.web.security.access import safe_way
from drawsim.web.security.accounts import Sessions, User
from drawsim.web.services import Services
from tests.web.conftest import PASSWORD, Browser, log_in

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
    stolen = client.cookies[guarded.sessions.cookie]
    answer = client.post("/logout", data={"csrf": token}, follow_redirects=False)
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    client.cookies[guarded.sessions.cookie] = stolen
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
    session = services.sessions.find(client.cookies[services.sessions.cookie])
    assert session is not None
    assert (session.user, session.role) == ("local", "reviewer")
    assert session.csrf in page.text
    assert client.get(ASKING[0]).status_code == 200
    assert "set-cookie" not in client.get("/judge").headers


def test_a_session_of_times_without_accounts_is_over(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    client.cookies[guarded.sessions.cookie] = guarded.sessions.start(security.LOCAL).token
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
    client.cookies[brief.cookie] = brief.start(User("ada", "annotator")).token
    assert client.get(ASKING[0]).status_code == 401


def test_only_reviewers_export(guarded: Services, browser: Browser) -> None:
    for name, status in (("ada", 403), ("rosa", 200)):
        client = log_in(browser(guarded), guarded, name)
        for file in ("pairs.csv", "unmatched.csv", "annotations.jsonld"):
            assert client.get(f"/export/{file}").status_code == status, file


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\r\nSet-Cookie: x=1"],
)
def test_a_login_leads_nowhere_else(then: str) -> None:
    assert safe_way(then) == "/"


def test_the_schema_is_told_to_who_is_logged_in(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert client.get(path, follow_redirects=False).status_code in (401, 404)
    told = log_in(client, guarded, "ada").get("/openapi.json").json()
    assert "/api/next" in told["paths"]
    schemes = told["components"]["securitySchemes"]
    assert schemes["session"]["name"] == guarded.sessions.cookie


def test_two_apps_on_one_host_keep_their_sessions(
    guarded: Services, browser: Browser, tmp_path: Path
) -> None:
    """A browser sends the cookies of a host to each of its ports."""
    other = connect(f"sqlite:///{tmp_path / 'other.sqlite'}")
    second = replace(guarded, sessions=Sessions(other))
    jar = log_in(browser(guarded), guarded, "ada").cookies
    for services in (second, guarded):
        client = browser(services)
        client.cookies = jar
        if services is second:
            log_in(client, second, "rosa")
        assert client.get(ASKING[0]).status_code == 200
    again = Sessions(guarded.sessions.engine)
    assert again.cookie == guarded.sessions.cookie != second.sessions.cookie
    other.dispose()


def test_a_session_of_a_wrong_clock_does_not_live_for_years(
    guarded: Services, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(guarded)
    later = now() + timedelta(days=365)
    monkeypatch.setattr("drawsim.web.security.accounts.now", lambda: later)
    log_in(client, guarded, "ada")
    assert client.get(ASKING[0]).status_code == 200
    monkeypatch.undo()
    assert client.get(ASKING[0]).status_code == 401
