"""Logging in: passwords are checked beside everything else, so that a flood of tries slows nobody.

A password takes a tenth of a second of all cores to check. One is checked at a time, few wait, and
who comes when the places are taken is told so at once. Failures are counted by name and address
together, by the name from anywhere, and by the address for whatever names. So that a stranger who
tries a colleague's name does not keep the colleague out, a browser that has logged in before has a
cookie that says so: its tries are counted for themselves, and places are kept for it (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies").

Failures are counted in the database, for all processes. Places are each process's own: they bound
the work that waits for its one thread of checks, and a flood that is refused for want of a place,
or because of a wait that is known from a moment ago, never reaches the database.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool

from drawsim.common.machine import give_way
from drawsim.web.security.access import begin, set_cookie
from drawsim.web.security.accounts import Accounts, Session, User
from drawsim.web.security.throttle import Counted, Throttle, Wait
from drawsim.web.services import services_of

PLACES = 16
"""Strangers' tries that are checked or wait at a time; as many are kept for known browsers."""
OF_ADDRESS = 8
"""Of these, tries from one address."""
PAUSE = 2
"""Seconds after which to come again when all places are taken."""
REMEMBERED_FOR = 2.0
"""Seconds for which a process remembers that somebody must wait, before it looks again."""
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
    """The desk where passwords are checked, one at a time; to be used from the event loop."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._waiting: Counter[str] = Counter()
        self._refused: dict[tuple[str, ...], tuple[float, float]] = {}
        """Who was told to wait: until when that is remembered here, and when the wait ends."""
        self._checking = ThreadPoolExecutor(1, "login", initializer=give_way, initargs=(5,))

    async def check(self, accounts: Accounts, visitor: Visitor, name: str, password: str) -> User:
        """The user whose password it is.

        Raises HTTPException: 429 after too many failures, or at once while all places are taken;
        403 for a wrong name or password.
        """
        self._let_through(visitor)
        places = {visitor.queue: PLACES, visitor.address: OF_ADDRESS}
        if visitor.browser is not None:
            del places[visitor.address]
        if any(self._waiting[place] >= most for place, most in places.items()):
            _later("many people log in at this moment; try again in a few seconds", PAUSE)
        self._waiting.update(places.keys())
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._checking, self._checked, accounts, visitor, name, password
            )
        finally:
            self._waiting.subtract(places.keys())
            self._waiting += Counter()  # without those at 0
        if isinstance(found, Wait):
            self._remember(found)
            _too_many(found.seconds)
        if found is None:
            raise HTTPException(403, "wrong name or password")
        return found

    def _checked(
        self, accounts: Accounts, visitor: Visitor, name: str, password: str
    ) -> User | Wait | None:
        """Whose password it is, or how long they must wait."""
        # Counted before it is known: else others slip by, in other processes, while it is checked.
        wait = self._throttle.admit(visitor.counted)
        if wait is not None:
            return wait
        user = accounts.check(name, password)
        if user is not None:
            self._throttle.succeeded(visitor.own, visitor.counted)
        return user

    def _let_through(self, visitor: Visitor) -> None:
        """Raise HTTPException 429 for who was told to wait a moment ago."""
        now = time.monotonic()
        for each in visitor.counted:
            known_until, over = self._refused.get(each.what, (0.0, 0.0))
            if now < known_until:
                _too_many(over - now)

    def _remember(self, wait: Wait) -> None:
        now = time.monotonic()
        self._refused = {what: ends for what, ends in self._refused.items() if now < ends[0]}
        self._refused[wait.what] = now + min(wait.seconds, REMEMBERED_FOR), now + wait.seconds


def _too_many(wait: float) -> NoReturn:
    seconds = math.ceil(wait)
    _later(f"too many failed logins; try again in {seconds} s", seconds)


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
