"""What attackers try, beyond what the tests of the API and of its guard are about."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from drawsim.collection.tables import Collection
from drawsim.web.events.drafts import Draft
from drawsim.web.security.access import LOCAL
from drawsim.web.services import Services
from tests.web.conftest import PASSWORD, Browser, log_in
from tests.web.security.attacks import ATTACKS, attacked

SECRET = "the secret of the machine"
# Paths


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "drawings/../../secret.txt",
        "..\\secret.txt",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "d0/../d1",
        "d0\n",
        "d0%00",
        "D0",
        " d0",
        "d0 ",
        "ｄ0",
        "*",
        "'; DROP TABLE events; --",
        "' OR '1'='1",
    ],
)
def test_ids_are_looked_up_and_nothing_else(local: TestClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    both = ({"drawing": name, "artwork": "a0"}, {"drawing": "d0", "artwork": name})
    answers = [local.get("/overlay", params=params) for params in both]
    refused = (404, 422)  # earlier pydantic sees that a NUL is no letter of an id
    for size in ("thumb", "full"):
        params = {"kind": "drawing", "id": name, "size": size}
        answers.append(local.get("/picture", params=params))
    answers.append(
        local.post("/api/find/box", json={"kind": "drawing", "id": name, "box": [0, 0, 1, 1]})
    )
    for answer in answers:
        assert answer.status_code in refused, answer.url
        assert SECRET not in answer.text
    history = local.get("/review", params={"drawing": name, "text": name, "annotator": name})
    if history.status_code in refused and "%00" in name:
        return
    assert history.status_code == 200
    assert "Nothing matches these filters" in history.text


def test_wildcards_of_a_search_are_letters(local: TestClient, services: Services) -> None:
    for number, note in enumerate(("100 %", "under_score", "plain")):
        draft = Draft(f"note-000{number}", "note", "drawing", drawing_id="d0", note=note)
        services.store.save("local", [draft], services.finder.made_with)
    for text, count in (("%", 1), ("_", 1), ("\\", 0), ("100 %", 1), ("l", 1)):
        page = local.get("/review", params={"text": text}).text
        assert page.count('<span class="note">') == count, text


# Markup


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, as a browser takes them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


@pytest.mark.parametrize("attack", ATTACKS)
def test_ids_titles_notes_and_names_are_text_on_every_page(
    collection: Collection, browser: Browser, tmp_path: Path, attack: str
) -> None:
    """A page with an attack in all its texts has the very tags of one with harmless texts."""
    pages: dict[str, list[Any]] = {"hostile": [], "harmless": []}
    for sort, text in (("hostile", attack), ("harmless", "harmless")):
        services = attacked(tmp_path / sort, collection, text)
        client = browser(services)
        session = services.sessions.start(LOCAL)
        client.cookies[services.sessions.cookie] = session.token
        for page, params in (
            ("/judge", {"id": text}),
            ("/judge", {"where": text}),
            ("/find", {"for": text}),
            ("/find", {"kind": "artwork", "like": text}),
            ("/find", {"text": text}),
            ("/progress", {}),
            ("/review", {}),
            ("/review", {"annotator": text, "drawing": text}),
            ("/review", {"text": text}),
            ("/review", {"since": text}),
            ("/review/disagreements", {}),
            ("/review/pairs", {"grade": "unsure"}),
            ("/judge", {"kind": text}),
            ("/judge", {"id": f"not {text}"}),
        ):
            answer = client.get(page, params=params)
            assert answer.status_code in (200, 404, 422)
            pages[sort].append((page, answer.status_code, Tags(answer.text).tags))
            assert "49" not in re.sub(r'="[^"]*"|\d{2,}:\d\d|\d{4}', "", answer.text)
    assert pages["hostile"] == pages["harmless"]


def test_errors_are_never_taken_for_markup(local: TestClient) -> None:
    for attack in ATTACKS:
        for answer in (
            local.get("/api/task", params={"kind": "drawing", "id": attack}),
            local.get(f"/api/{attack}"),
            local.post("/api/next", json={"where": attack}),
            local.post("/api/next", json={attack: attack}),
        ):
            assert answer.status_code in (404, 422)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"


# Forged requests


def test_the_token_of_another_session_does_not_count(guarded: Services, browser: Browser) -> None:
    ada, rosa = (log_in(browser(guarded), guarded, name) for name in ("ada", "rosa"))
    second = log_in(browser(guarded), guarded, "ada")  # not even one's own
    for other in (rosa, second):
        headers = {"X-CSRF-Token": other.headers["X-CSRF-Token"]}
        assert ada.post("/api/next", json={}, headers=headers).status_code == 403
    assert ada.post("/api/next", json={}).status_code == 200
    assert ada.post("/logout", data={"csrf": rosa.headers["X-CSRF-Token"]}).status_code == 200
    # Its own token came along in the header; without it the form counts.
    ada = log_in(browser(guarded), guarded, "ada")
    del ada.headers["X-CSRF-Token"]
    assert ada.post("/logout", data={"csrf": rosa.headers["X-CSRF-Token"]}).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_foreign_form_can_send_is_refused(local: TestClient, kind: str) -> None:
    """Requests that need no preflight: no custom header, a form's content type, the cookie."""
    del local.headers["X-CSRF-Token"]
    event = {"key": "forged-01", "action": "skip", "kind": "drawing", "drawing_id": "d0"}
    body = json.dumps({"events": [event]}).encode()
    answer = local.post("/api/events", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (403, 422)
    assert local.get("/review").text.count("<tr") == 0


def test_other_sites_get_no_permission(local: TestClient) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        local.options("/api/events", headers=origin),
        local.get("/api/task?kind=drawing&id=d0", headers=origin),
        local.get("/picture?kind=drawing&id=d0", headers=origin),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
def test_what_changes_something_is_posted(
    local: TestClient, services: Services, method: str
) -> None:
    for path in ("/api/next", "/api/events", "/api/undo", "/logout"):
        answer = local.request(method, path, headers={"X-HTTP-Method-Override": "POST"})
        assert answer.status_code == 405
    assert services.store.history() == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.evil.example",
        "evil.example:7777",
        "127.0.0.1@evil.example",
        "[::1].evil.example",
        "127.0.0.1,evil",
    ],
)
def test_names_that_look_like_ours_are_refused(local: TestClient, host: str) -> None:
    headers = {"Host": host, "X-Forwarded-Host": "127.0.0.1", "Forwarded": "host=127.0.0.1"}
    assert local.get("/judge", headers=headers).status_code == 403


def test_a_session_cannot_be_planted(guarded: Services, browser: Browser) -> None:
    """A cookie that was there before the login is worth nothing after it."""
    planted = "planted-by-somebody-else"
    answer = browser(guarded).post(
        "/login",
        data={"name": "ada", "password": PASSWORD},
        headers={"Cookie": f"{guarded.sessions.cookie}={planted}"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    assert guarded.sessions.find(planted) is None


def test_a_login_ends_the_session_before_it(guarded: Services, browser: Browser) -> None:
    client = log_in(browser(guarded), guarded, "ada")
    first = client.cookies[guarded.sessions.cookie]
    log_in(client, guarded, "ada")
    assert client.cookies[guarded.sessions.cookie] != first
    assert guarded.sessions.find(first) is None


@pytest.mark.parametrize(
    "cookie",
    ["", "x" * 100_000, "\x00", "ÿþ", "a; COOKIE=b", "../../etc/passwd", "' OR 1=1"],
)
def test_odd_cookies_are_nobody(guarded: Services, browser: Browser, cookie: str) -> None:
    client = browser(guarded)
    own = guarded.sessions.cookie
    header = {b"Cookie": f"{own}={cookie.replace('COOKIE', own)}".encode("latin-1")}
    assert client.get("/api/task?kind=drawing&id=d0", headers=header).status_code == 401
    assert client.get("/judge", headers=header, follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("\0", "\0"),
        ("ada\0", PASSWORD),
        ("ADA", PASSWORD),
        ("ada ", PASSWORD),
        ("a" * 5000, "b" * 5000),
        ("__proto__", "x"),
        ("ada", ""),
        ("", ""),
        ("ada", PASSWORD + "\0"),
    ],
)
def test_odd_names_and_passwords_open_nothing(
    guarded: Services, browser: Browser, name: str, password: str
) -> None:
    client = browser(guarded)
    answer = client.post("/login", data={"name": name, "password": password})
    assert answer.status_code == 403
    assert guarded.sessions.cookie not in client.cookies


def test_a_long_name_does_not_reset_the_throttle(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    codes = [
        client.post("/login", data={"name": name, "password": "x"}).status_code
        for name in ("ada", "ADA", "Ada", "aDa", "adA", "ada")
    ]
    assert codes == [403] * 5 + [429]


# Uploads


def test_forms_of_thousands_of_parts_are_refused(local: TestClient) -> None:
    files = [("file", (f"{number}.png", b"")) for number in range(1200)]
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


# On the wire


def test_exports_hold_no_formulas(local: TestClient) -> None:
    formulas = (
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        '=HYPERLINK("http://x";"y")',
        "'=1",
    )
    for number, note in enumerate(formulas):
        draft = {
            "key": f"formula-{number}",
            "action": "grade",
            "kind": "drawing",
            "drawing_id": f"d{number}",
            "artwork_id": "a11",
            "grade": "same work",
            "note": note,
        }
        assert local.post("/api/events", json={"events": [draft]}).status_code == 200
    rows = list(csv.reader(io.StringIO(local.get("/export/pairs.csv").text)))
    cells = [cell for row in rows for cell in row]
    assert sum("1" in cell and cell.startswith("'") for cell in cells) >= len(formulas) - 1
    for cell in cells:
        plain = re.fullmatch(r"[+-]?[\d.]+", cell)
        assert plain or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
