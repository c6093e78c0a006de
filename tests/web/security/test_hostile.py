"""What attackers try, beyond what the tests of the API and of its guard are about."""

from __future__ import annotations

import csv
import io
import json
import re
import resource
import socket
import struct
import zlib
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.web.events.drafts import Draft
from drawsim.web.security.access import COOKIE, LOCAL, UPLOAD_LIMIT
from drawsim.web.services import Services
from tests.web.conftest import PASSWORD, Browser, log_in
from tests.web.live import LiveServer
from tests.web.security.attacks import ATTACKS, attacked

SECRET = "the secret of the machine"
# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%252e%252e/app.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/....//app.py",
        "/static/style.css/../../app.py",
        "/static/\u2025/app.py",
        "/static/style.css%00.js",
        "/static/%00",
        "/static/.",
        "/static/",
        "/static",
    ],
)
def test_assets_lead_to_no_other_file(live: LiveServer, path: str) -> None:
    """Sent as it stands, since clients tidy up such paths by themselves."""
    status, _, body = exchange(live, f"GET {path} HTTP/1.1\r\n")
    assert status in (400, 404, 405, 307)
    assert b"def create_app" not in body
    assert b"root:" not in body
    assert b"Traceback" not in body


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
def test_ids_are_looked_up_and_nothing_else(
    local: TestClient, services: Services, name: str
) -> None:
    (services.pictures.folder.parent / "secret.txt").write_text(SECRET, encoding="utf-8")
    both = ({"drawing": name, "artwork": "a0"}, {"drawing": "d0", "artwork": name})
    answers = [local.get("/overlay", params=params) for params in both]
    for size in ("thumb", "full"):
        params = {"kind": "drawing", "id": name, "size": size}
        answers.append(local.get("/picture", params=params))
    answers.append(
        local.post("/api/find/box", json={"kind": "drawing", "id": name, "box": [0, 0, 1, 1]})
    )
    for answer in answers:
        assert answer.status_code == 404, answer.url
        assert SECRET not in answer.text
    history = local.get("/review", params={"drawing": name, "text": name, "annotator": name})
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
        client.cookies[COOKIE] = session.token
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
        headers={"Cookie": f"{COOKIE}={planted}"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    assert guarded.sessions.find(planted) is None


def test_a_login_ends_the_session_before_it(guarded: Services, browser: Browser) -> None:
    client = log_in(browser(guarded), guarded, "ada")
    first = client.cookies[COOKIE]
    log_in(client, guarded, "ada")
    assert client.cookies[COOKIE] != first
    assert guarded.sessions.find(first) is None


@pytest.mark.parametrize(
    "cookie",
    ["", "x" * 100_000, "\x00", "ÿþ", "a; drawsim_session=b", "../../etc/passwd", "' OR 1=1"],
)
def test_odd_cookies_are_nobody(guarded: Services, browser: Browser, cookie: str) -> None:
    client = browser(guarded)
    header = {b"Cookie": f"{COOKIE}={cookie}".encode("latin-1")}
    assert client.get("/api/task?kind=drawing&id=d0", headers=header).status_code == 401
    assert client.get("/judge", headers=header, follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("\0", "\0"),
        ("ada\0", PASSWORD),
        ("ADA", PASSWORD),
        ("ada ", PASSWORD),
        ("a" * 500_000, "b" * 500_000),
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
    assert COOKIE not in client.cookies


def test_a_long_name_does_not_reset_the_throttle(guarded: Services, browser: Browser) -> None:
    client = browser(guarded)
    codes = [
        client.post("/login", data={"name": name, "password": "x"}).status_code
        for name in ("ada", "ADA", "Ada", "aDa", "adA", "ada")
    ]
    assert codes == [403] * 5 + [429]


# Uploads


def chunk(sort: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(sort + data))
    return struct.pack(">I", len(data)) + sort + data + check


def png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    """A PNG, gray with 1 bit, of any size that its header may say."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(data, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def saved(sort: str, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, sort)
    return buffer.getvalue()


def postscript(marker: bytes) -> bytes:
    """An EPS in DOS's frame, whose length is chosen so that it reads like another sort's mark."""
    text = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    frame = struct.pack("<II", 0xC6D3D0C5, 32) + marker
    return frame + b"\0" * (32 - len(frame)) + text


MALICIOUS = {
    "bomb": png(30_000, 30_000, b"\0" * (30_000 // 8 + 1) * 30_000),
    "bomb of one line": png(1_000_000, 1_000, b"\0"),
    "no pixels": png(0, 0, b""),
    "negative": png(2**31 - 1, 2**31 - 1, b""),
    "bomb of text": png(8, 8, b"\0" * 16, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 10**8))),
    "postscript": postscript(b"WEBP"),
    "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "gif that is a script": b"GIF89a/*" + b" " * 20 + b"*/=1;alert(1)",
    "gif bomb": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"\x2c" + b"\0" * 9,
    "jpeg cut short": saved("JPEG", (400, 300))[:200],
    "bmp of nothing": b"BM" + b"\xff" * 60,
    "tiff of loops": b"II*\0\x08\0\0\0\xff\xff" + b"\x08\0\0\0" * 200,
    "webp of nothing": b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 40,
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "pdf": b"%PDF-1.4\n",
}


NO_PICTURES = {"postscript", "svg", "html", "zip", "pdf"}
"""What no decoder may look at: PostScript, say, is a program, which Ghostscript would run."""


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", MALICIOUS)
def test_malicious_pictures_are_refused(local: TestClient, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = {"file": ("innocent.png", MALICIOUS[name], "image/png")}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert answer.status_code == 422, answer.text[:300]
    assert list(answer.json()) == ["error"]
    assert ("the file is no picture" in answer.text) == (name in NO_PICTURES)
    assert "/tmp" not in answer.text
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # kB; the pixels of the bombs would take at least 900 MB


@pytest.mark.parametrize("sort", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_what_is_refused_for_looking_like_it_is_taken_if_it_is_one(
    local: TestClient, sort: str
) -> None:
    files = {"file": ("x", saved(sort))}
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert answer.status_code == 200


def test_uploads_leave_nothing_behind(
    local: TestClient, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    before = {path for path in services.pictures.folder.parent.rglob("*") if path.is_file()}
    for content in (saved("PNG", (900, 900)), MALICIOUS["html"], b"\0" * 3_000_000):
        for name in ("../../../planted.html", "C:\\planted.html", "\0", "x" * 5000):
            files = {"file": (name, content, "text/html")}
            local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert list(place.iterdir()) == []
    assert {path for path in services.pictures.folder.parent.rglob("*") if path.is_file()} == before


def test_forms_of_thousands_of_parts_are_refused(local: TestClient) -> None:
    files = [("file", (f"{number}.png", b"")) for number in range(1200)]
    answer = local.post("/api/find/image", files=files, data={"kind": "drawing"})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


# On the wire


@pytest.fixture
def live(services: Services) -> Iterator[LiveServer]:
    with LiveServer(services) as server:
        yield server


def exchange(
    server: LiveServer, request: str, body: Iterable[bytes] = ()
) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are, and read the answer until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        head = f"{request}Host: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("utf-8"))
        try:
            for part in body:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it does not want to hear more
        got = b""
        try:
            while more := connection.recv(65_536):
                got += more
        except ConnectionResetError:
            pass
    top, _, rest = got.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, rest


def posted(services: Services, path: str) -> str:
    session = services.sessions.start(LOCAL)
    return (
        f"POST {path} HTTP/1.1\r\nCookie: {COOKIE}={session.token}\r\n"
        f"X-CSRF-Token: {session.csrf}\r\n"
    )


def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(
    live: LiveServer, services: Services
) -> None:
    request = posted(services, "/api/find/image") + "Content-Length: 1000000000000\r\n"
    status, _, body = exchange(live, request)
    assert status == 413
    assert b"too large" in body


def test_an_endless_body_in_chunks_is_cut_off(live: LiveServer, services: Services) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        part = b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
        block = b"\0" * (1 << 20)
        while sent < 5 * UPLOAD_LIMIT:
            sent += len(block)
            yield f"{len(block):x}\r\n".encode() + block + b"\r\n"

    request = posted(services, "/api/find/image") + (
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n"
    )
    status, _, body = exchange(live, request, endless())
    assert status == 413
    assert b"too large" in body
    assert sent < 3 * UPLOAD_LIMIT


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: ²\r\n",
    ],
)
def test_bodies_of_two_lengths_are_refused(
    live: LiveServer, services: Services, lines: str
) -> None:
    """Else a server in front and this one may disagree where the next request begins."""
    status, _, _ = exchange(live, posted(services, "/api/undo") + lines, [b"0\r\n\r\n"])
    assert 400 <= status < 500
    assert services.store.history() == []


def test_a_redirect_says_nothing_that_was_sent(live: LiveServer) -> None:
    for path in ("//evil.example", "//evil.example/static", "/static//evil.example/.."):
        status, headers, _ = exchange(live, f"GET {path} HTTP/1.1\r\n")
        assert status in (404, 307)
        assert not headers.get("location", "/").startswith(("//", "http://evil", "https://evil"))


# Exports


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
