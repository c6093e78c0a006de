"""Requests that attack the server: paths, bodies without end or of two lengths, redirects."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

import pytest

from drawsim.web.security.access import LOCAL
from drawsim.web.security.bodies import UPLOAD_LIMIT
from drawsim.web.services import Services
from tests.web.live import LiveServer


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
        f"POST {path} HTTP/1.1\r\nCookie: {services.sessions.cookie}={session.token}\r\n"
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
