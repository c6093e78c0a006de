"""Logging in: passwords are checked beside everything else, so that a flood of tries slows nobody.

A password takes a tenth of a second of all cores to check. One is checked at a time, few wait, and
who comes when the places are taken is told so at once. Failures are counted by name and address
together, by the name from anywhere, and by the address for whatever names. So that a stranger who
tries a colleague's name does not keep the colleague out, a browser that has logged in before has a
cookie that says so: its tries are counted for themselves, and places are kept for it (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies").
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool

from drawsim.common.machine import give_way
from drawsim.web.security.access import begin, set_cookie
from drawsim.web.security.accounts import Accounts, Session, User
from drawsim.web.security.throttle import Counted, Throttle
from drawsim.web.services import services_of

PLACES = 16
"""Strangers' tries that are checked or wait at a time; as many are kept for known browsers."""
OF_ADDRESS = 8
"""Of these, tries from one address."""
PAUSE = 2
"""Seconds after which to come again when all places are taken."""
KNOWN_FOR = 365 * 24 * 3600
"""Seconds that a browser is known after a login."""


@dataclass(frozen=True)
class Visitor:
    """Who tries to log in. browser: what the cookie of a known browser calls it; None: unknown."""

    name: str
    address: str
    browser: str | None

    @property
    def own(self) -> Counted:
        """What a success clears: others do not count here."""
        if self.browser is not None:
            return Counted(("browser", self.browser), 5, 900)
        return Counted(("name and address", self.name, self.address), 5, 900)

    @property
    def counted(self) -> tuple[Counted, ...]:
        """All that a failure counts for."""
        if self.browser is not None:
            return (self.own,)
        return (
            self.own,
            Counted(("name", self.name), 20, 60),
            Counted(("address", self.address), 20, 60),
        )

    @property
    def queue(self) -> str:
        """Whose places it takes."""
        return "strangers" if self.browser is None else "known"


class Logins:
    """The desk where passwords are checked. All but the check itself is done in the event loop."""

    def __init__(self, throttle: Throttle | None = None) -> None:
        self.throttle = throttle or Throttle()
        self._waiting: Counter[str] = Counter()
        self._checking = ThreadPoolExecutor(1, "login", initializer=give_way, initargs=(5,))

    async def check(self, accounts: Accounts, visitor: Visitor, name: str, password: str) -> User:
        """The user whose password it is.

        Raises HTTPException: 429 at once after too many failures, or while all places are taken;
        403 for a wrong name or password.
        """
        wait = math.ceil(self.throttle.wait(visitor.counted))
        if wait > 0:
            _later(f"too many failed logins; try again in {wait} s", wait)
        places = {visitor.queue: PLACES, visitor.address: OF_ADDRESS}
        if visitor.browser is not None:
            del places[visitor.address]
        if any(self._waiting[place] >= most for place, most in places.items()):
            _later("many people log in at this moment; try again in a few seconds", PAUSE)
        # Counted before it is known: else others slip by while it is checked.
        self.throttle.failed(visitor.counted)
        self._waiting.update(places.keys())
        try:
            user = await asyncio.get_running_loop().run_in_executor(
                self._checking, accounts.check, name, password
            )
        finally:
            self._waiting.subtract(places.keys())
            self._waiting += Counter()  # without those at 0
        if user is None:
            raise HTTPException(403, "wrong name or password")
        self.throttle.take_back(visitor.counted)
        self.throttle.forget(visitor.own)
        return user


def _later(text: str, seconds: int) -> NoReturn:
    raise HTTPException(429, text, headers={"Retry-After": str(seconds)})


async def log_in(request: Request, name: str, password: str) -> Session:
    """Begin a session for the account that name and password open; its cookie goes with the answer.

    Raises HTTPException as `Logins.check` does.
    """
    services = services_of(request)
    accounts = services.accounts
    assert accounts is not None  # the login page is not shown without
    logins: Logins = request.app.state.logins
    address = request.client.host if request.client else ""
    cookie = request.cookies.get(_mark_cookie(request, name))
    # Without one, a refusal takes no thread: all of them may be busy.
    browser = await run_in_threadpool(_browser, accounts, name, cookie) if cookie else None
    # Capitals make no other name here, so that nobody gets more tries by them.
    visitor = Visitor(name[:100].casefold(), address, browser)
    user = await logins.check(accounts, visitor, name, password)
    return await run_in_threadpool(_signed_in, request, accounts, user)


def _signed_in(request: Request, accounts: Accounts, user: User) -> Session:
    """A new session; the browser's earlier one ends, and the browser is known from now on."""
    sessions = services_of(request).sessions
    before = request.cookies.get(sessions.cookie)
    if before:
        sessions.end(before)  # no browser knows it from now on
    browser = secrets.token_urlsafe(16)
    mark = f"{browser}.{accounts.mark(user.name, browser)}"
    set_cookie(request, _mark_cookie(request, user.name), mark, KNOWN_FOR)
    return begin(request, user)


def _browser(accounts: Accounts, name: str, cookie: str) -> str | None:
    """What a browser is called in which this name logged in before."""
    browser, _, mark = cookie.partition(".")
    genuine = accounts.mark(name, browser) if browser and mark else None
    if genuine is None or not secrets.compare_digest(mark.encode(), genuine.encode()):
        return None
    return browser


def _mark_cookie(request: Request, name: str) -> str:
    """A cookie for each name, for several people may share a browser."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{services_of(request).sessions.cookie}_{digest[:8]}"
