"""Whoever sends too slowly is let go, and nobody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from drawsim.web.security import connections
from drawsim.web.security.connections import BODY_SECONDS, HEAD_SECONDS, LEAST_RATE, patience
from drawsim.web.services import Services
from tests.web.live import LiveServer

HOST = "Host: 127.0.0.1\r\n"


@pytest.fixture
def live(guarded: Services) -> Iterator[LiveServer]:
    with LiveServer(guarded) as server:
        yield server


def sent(server: LiveServer, text: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(text.encode())
    return connection


def closed(connection: socket.socket) -> bytes:
    """All that came until the server closed; the test fails if it does not."""
    got = b""
    try:
        while more := connection.recv(65_536):
            got += more
    except ConnectionResetError:
        pass
    connection.close()
    return got


def test_how_long_is_waited() -> None:
    assert patience("head", 0) == patience("head", 10**6) == HEAD_SECONDS
    assert patience("body", 0) == BODY_SECONDS
    assert patience("body", 20_000_000) == BODY_SECONDS + 20_000_000 / LEAST_RATE


@pytest.mark.parametrize(
    "begun", ["", "GET /login HTTP/1.1\r\n", f"GET /login HTTP/1.1\r\n{HOST}X: "]
)
def test_half_a_head_is_not_waited_for(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    assert closed(sent(live, begun)) == b""
    # Nor where a whole request was answered before.
    whole = f"GET /static/icon.svg HTTP/1.1\r\n{HOST}\r\n"
    assert closed(sent(live, whole + (begun or "G"))).startswith(b"HTTP/1.1 200")


def test_half_a_body_is_not_waited_for(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(connections, "REST_SECONDS", 0.2)
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n"
    closed(sent(live, f"POST /login HTTP/1.1\r\n{HOST}{form}\r\nname=ada"))
    # One that is refused at once is not waited for to its end.
    refused = closed(sent(live, f"POST /api/events HTTP/1.1\r\n{HOST}{form}\r\nname=ada"))
    assert refused.startswith(b"HTTP/1.1 401")
    # The server goes on.
    assert httpx.get(f"{live.address}/login", timeout=30).status_code == 200


def test_of_a_refused_body_little_is_read(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REST_SECONDS", 0.5)
    size = 60_000_000
    head = f"POST /api/find/image HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
    with sent(live, head) as connection, pytest.raises(ConnectionError):
        connection.sendall(
            b"%x\r\n" % size + b"\0" * size
        )  # more than systems keep for slow readers


def test_of_many_that_wait_the_oldest_goes(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WAITING", 3)
    waiting = [sent(live, "GET / HTTP/1.1\r\n") for _ in range(5)]
    assert [closed(each) for each in waiting[:2]] == [b"", b""]
    assert httpx.get(f"{live.address}/login", timeout=30).status_code == 200
    for each in waiting[2:]:
        each.close()


def test_who_is_quick_is_served_as_often_as_they_like(live: LiveServer) -> None:
    with httpx.Client(base_url=live.address, timeout=30) as client:
        for _ in range(5):
            assert client.get("/login").status_code == 200
            form = {"name": "ada", "password": "wrong password"}
            assert client.post("/login", data=form).status_code in (403, 429)
