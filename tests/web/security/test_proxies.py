"""Whose word on where a request comes from is believed: that of servers that are named."""

from __future__ import annotations

import httpx

from drawsim.web.services import Services
from tests.web.conftest import PASSWORD
from tests.web.live import LiveServer


def tried(server: LiveServer, forwarded: str, password: str = "wrong password") -> httpx.Response:
    """The answer to a login that a server in front has led here."""
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    form = {"name": "ada", "password": password}
    return httpx.post(f"{server.address}/login", data=form, headers=headers, timeout=30)


def test_behind_a_server_each_client_has_an_address_of_its_own(guarded: Services) -> None:
    with LiveServer(guarded, ["127.0.0.1", "172.28.0.0/16"]) as server:
        codes = [tried(server, "10.0.0.1").status_code for _ in range(6)]
        assert codes == [403] * 5 + [429]
        # What the client itself wrote in front, or a second server added, changes nothing.
        assert tried(server, "10.9.9.9, 10.0.0.1").status_code == 429
        assert tried(server, "10.0.0.1, 172.28.0.2").status_code == 429
        answer = tried(server, "10.0.0.2", PASSWORD)
        assert answer.status_code == 303
        assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_nobody_else_is_believed(guarded: Services) -> None:
    with LiveServer(guarded, ["10.0.0.1"]) as server:
        codes = [tried(server, f"10.0.0.{number}").status_code for number in range(6)]
        assert codes == [403] * 5 + [429]
    with LiveServer(guarded) as server:
        assert tried(server, "10.0.0.9").status_code == 429
