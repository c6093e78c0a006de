"""A flood of tries is refused at once, and keeps nobody out who belongs here."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from drawsim.web.app import create_app
from drawsim.web.security.accounts import Accounts, User
from drawsim.web.security.login import OF_ADDRESS, PLACES, Logins, Visitor
from drawsim.web.security.throttle import Throttle
from drawsim.web.services import Services
from tests.web.conftest import ADDRESS, PASSWORD, Browser, log_in

ADA = User("ada", "annotator")


class Gate:
    """Accounts whose check takes until it is opened; every password that is "right" opens."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.checked: list[str] = []

    def check(self, name: str, password: str) -> User | None:
        assert self.open.wait(30)
        self.checked.append(name)
        return ADA if password == "right" else None


async def tried(logins: Logins, gate: Gate, visitor: Visitor, password: str = "wrong") -> int:
    """The status of an answer."""
    try:
        await logins.check(gate, visitor, visitor.name, password)  # type: ignore[arg-type]
    except HTTPException as refusal:
        return refusal.status_code
    return 200


async def begun(*tries: asyncio.Task[int]) -> None:
    """Let tasks run until they wait for the gate, or are refused."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_flood_is_refused_at_once_and_keeps_places_for_others(sqlite: Engine) -> None:
    async def flooded() -> None:
        logins, gate = Logins(Throttle(sqlite)), Gate()
        flood = [
            asyncio.create_task(tried(logins, gate, Visitor(f"name{i}", "10.0.0.1", None)))
            for i in range(60)
        ]
        await begun(*flood)
        refused = [task.result() for task in flood if task.done()]
        assert refused == [429] * (60 - OF_ADDRESS)  # while nothing was checked yet
        many = [
            asyncio.create_task(tried(logins, gate, Visitor(f"other{i}", f"10.0.1.{i}", None)))
            for i in range(60)
        ]
        known = asyncio.create_task(
            tried(logins, gate, Visitor("ada", "10.0.0.1", "her own"), "right")
        )
        await begun(*many, known)
        assert sum(task.done() for task in many) == 60 - (PLACES - OF_ADDRESS)
        assert not known.done()  # there was a place for her
        gate.open.set()
        assert await known == 200
        codes = Counter([await task for task in (*flood, *many)])
        assert codes == {429: 120 - PLACES, 403: PLACES}
        assert len(gate.checked) == PLACES + 1
        visitor = Visitor("ada", "10.0.9.9", None)
        assert await tried(logins, gate, visitor, "right") == 200  # all places are free again

    asyncio.run(flooded())


def test_none_slips_by_while_another_is_checked(sqlite: Engine) -> None:
    async def raced() -> None:
        logins, gate = Logins(Throttle(sqlite)), Gate()
        ada = Visitor("ada", "10.0.0.1", None)
        tries = [asyncio.create_task(tried(logins, gate, ada)) for _ in range(8)]
        await begun(*tries)
        gate.open.set()
        assert Counter([await each for each in tries]) == {403: 5, 429: 3}

    asyncio.run(raced())


def test_who_guesses_from_many_places_or_for_many_names_must_wait(sqlite: Engine) -> None:
    async def guessed() -> None:
        gate = Gate()
        gate.open.set()
        logins = Logins(Throttle(sqlite))
        one_name = [
            await tried(logins, gate, Visitor("ada", f"10.0.0.{i}", None)) for i in range(30)
        ]
        assert one_name == [403] * 20 + [429] * 10
        assert await tried(logins, gate, Visitor("rosa", "10.0.0.1", None), "right") == 200
        # The colleague's own browser is let through; guessing with its cookie has its own count.
        ada = Visitor("ada", "10.0.0.1", "her own")
        assert await tried(logins, gate, ada, "right") == 200
        assert [await tried(logins, gate, ada) for _ in range(6)] == [403] * 5 + [429]
        names = [await tried(logins, gate, Visitor(f"n{i}", "10.0.9.9", None)) for i in range(30)]
        assert names == [403] * 20 + [429] * 10

    asyncio.run(guessed())


def test_an_own_account_gives_no_further_guesses(sqlite: Engine) -> None:
    """Whoever has one might log in after each few guesses at others."""

    async def guessed() -> None:
        logins, gate = Logins(Throttle(sqlite)), Gate()
        gate.open.set()
        codes = []
        for number in range(30):
            codes.append(await tried(logins, gate, Visitor(f"n{number}", "10.0.0.1", None)))
            await tried(logins, gate, Visitor("own", "10.0.0.1", "own"), "right")
        assert codes == [403] * 20 + [429] * 10

    asyncio.run(guessed())


def test_a_stranger_does_not_keep_a_colleague_out(guarded: Services) -> None:
    app = create_app(guarded)
    colleague, stranger = (TestClient(app, ADDRESS) for _ in range(2))
    log_in(colleague, guarded, "ada")
    wrong = {"name": "ada", "password": "wrong password"}
    codes = [stranger.post("/login", data=wrong).status_code for _ in range(7)]
    assert codes == [403] * 5 + [429] * 2
    right = {"name": "ada", "password": PASSWORD}
    answer = stranger.post("/login", data=right)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "set-cookie" not in answer.headers
    log_in(stranger, guarded, "rosa")
    token = colleague.headers["X-CSRF-Token"]
    colleague.post("/logout", data={"csrf": token})
    del colleague.headers["X-CSRF-Token"]
    log_in(colleague, guarded, "ada")  # in the same browser as before, at the same address


@pytest.mark.parametrize("made", ["x.y", "x", ".", "x." + "0" * 64, ""])
def test_a_browser_cannot_say_itself_that_it_is_known(
    guarded: Services, browser: Browser, made: str
) -> None:
    client = browser(guarded)
    log_in(client, guarded, "ada")
    (name,) = [each for each in client.cookies if each != guarded.sessions.cookie]
    genuine = client.cookies[name]
    client.cookies.clear()
    client.cookies[name] = made
    wrong = {"name": "ada", "password": "wrong password"}
    codes = [client.post("/login", data=wrong).status_code for _ in range(6)]
    assert codes == [403] * 5 + [429]
    client.cookies[name] = genuine
    assert client.post("/login", data=wrong).status_code == 403
    assert guarded.accounts is not None
    guarded.accounts.remove("ada")
    guarded.accounts.add("ada", PASSWORD + "2")  # a new password: the browser is a stranger's
    assert client.post("/login", data=wrong).status_code == 429


def test_marks_tell_nothing_of_other_names_and_browsers(guarded: Services) -> None:
    accounts = guarded.accounts
    assert isinstance(accounts, Accounts)
    marks = {accounts.mark(name, browser) for name in ("ada", "rosa") for browser in ("x", "y")}
    assert len(marks) == 4
    assert accounts.mark("nobody", "x") is None
