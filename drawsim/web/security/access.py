"""Who may do what: sessions, tokens against forged requests, limits, and headers of every answer.

A cookie names the session. Requests that change something must carry the session's token too
(OWASP, "Cross-Site Request Forgery Prevention", synchronizer token), which other sites cannot read.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drawsim.common.errors import UserError
from drawsim.web.security.accounts import Session, User
from drawsim.web.services import Services, services_of

COOKIE = "drawsim_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
LOCAL = User("local", "reviewer")
"""Who works where there are no accounts."""

BODY_LIMIT = 1 << 20
"""Bytes of a request that is no upload."""
UPLOAD_LIMIT = 20 * 1000 * 1000
"""Bytes of an uploaded picture."""
FORM_SPACE = 1 << 14
"""Bytes of what stands around a picture in an upload."""
UPLOADS = "/api/find/image"
NO_PAGES = ("/api/", "/picture", "/overlay", "/export/", "/static/", "/openapi.json")
"""Where a missing session is an answer of its own instead of a way to the login page."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

FREE_TRIES = 5
FIRST_DELAY = 2.0  # seconds after the last free try; every further failure doubles it
LONGEST_DELAY = 900.0
REMEMBERED = 10_000  # names with addresses

_cookie = APIKeyCookie(
    name=COOKIE, scheme_name="session", description="given by a page", auto_error=False
)
_header = APIKeyHeader(
    name=CSRF_HEADER, scheme_name="csrf", description="of the page's meta tag", auto_error=False
)


class LoginNeeded(Exception):  # noqa: N818  (it says what is so, to whoever reads a signature)
    """Nobody is logged in."""


def current_user(request: Request, token: Annotated[str | None, Security(_cookie)]) -> Session:
    """The session of whoever asks. Without accounts, a page begins one for the local user.

    Raises LoginNeeded, which becomes 401, or for a page the way to the login page.
    """
    session = find_session(request, token)
    if session is None and services_of(request).accounts is None and is_page(request):
        session = _begin(request, LOCAL)
    if session is None:
        raise LoginNeeded
    return session


CurrentUser = Annotated[Session, Depends(current_user)]


def find_session(request: Request, token: str | None = None) -> Session | None:
    """The session that the request's cookie names, if it is alive and its account is still there.

    The cookie of a user who may no longer log in, or of times without accounts, counts for nothing;
    the role is that of the account now.
    """
    services = services_of(request)
    token = token or request.cookies.get(COOKIE)
    session = services.sessions.find(token) if token else None
    if session is None:
        return None
    user = LOCAL if services.accounts is None else services.accounts.find(session.user)
    if user is None or user.name != session.user:
        return None
    return replace(session, role=user.role)


def reviewer(session: CurrentUser) -> Session:
    """The session, if its user may review. Raises 403."""
    if session.role != "reviewer":
        raise HTTPException(403, "only reviewers may do this")
    return session


async def checked_csrf(
    request: Request, session: CurrentUser, given: Annotated[str | None, Security(_header)]
) -> Session:
    """The session, if the request carries its token, as a header or in a form. Raises 403."""
    token = given
    if token is None and _is_form(request):
        field = (await request.form()).get(CSRF_FIELD)
        token = field if isinstance(field, str) else None
    if token is None or not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise HTTPException(403, "the page is out of date; load it again")
    return session


Checked = Annotated[Session, Depends(checked_csrf)]


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data")


def is_page(request: Request) -> bool:
    """Whether a person looks at what is answered."""
    return not request.url.path.startswith(NO_PAGES)


def login_needed(request: Request, error: Exception) -> Response:
    """The answer to LoginNeeded."""
    if not is_page(request):
        return JSONResponse({"error": "nobody is logged in; load the page again"}, 401)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    way = f"/login?then={quote(asked)}" if request.method == "GET" and asked != "/" else "/login"
    return RedirectResponse(way, 303)


def safe_way(then: str) -> str:
    """Where to go after the login: a path of this app, whatever was asked for.

    >>> safe_way("/judge?kind=drawing"), safe_way("//evil.example"), safe_way("https://evil.example")
    ('/judge?kind=drawing', '/', '/')
    """
    one_way = then.startswith("/") and not then.startswith(("//", "/\\"))
    return then if one_way and then.isprintable() else "/"


def log_in(request: Request, name: str, password: str) -> Session:
    """Begin a session for the account that name and password open; its cookie goes with the answer.

    Raises HTTPException 429 after too many failures, 403 for a wrong name or password.
    """
    services = services_of(request)
    assert services.accounts is not None  # the login page is not shown without
    throttle: Throttle = request.app.state.throttle
    who = (name[:100].casefold(), request.client.host if request.client else "")
    with throttle.trying:
        wait = math.ceil(throttle.wait(who))
        if wait > 0:
            text = f"too many failed logins; try again in {wait} s"
            raise HTTPException(429, text, headers={"Retry-After": str(wait)})
        user = services.accounts.check(name, password)
        if user is None:
            throttle.failed(who)
            raise HTTPException(403, "wrong name or password")
        throttle.forget(who)
    before = request.cookies.get(COOKIE)
    if before:
        services.sessions.end(before)  # no browser knows it from now on
    return _begin(request, user)


def log_out(request: Request) -> None:
    """End the session of the request, if any, and take its cookie back."""
    token = request.cookies.get(COOKIE)
    if token:
        services_of(request).sessions.end(token)
    request.state.cookie = _cookie_header(request, "", 0)


def _begin(request: Request, user: User) -> Session:
    session = services_of(request).sessions.start(user)
    left = session.until - datetime.now(timezone.utc)
    request.state.cookie = _cookie_header(request, session.token, round(left.total_seconds()))
    return session


def _cookie_header(request: Request, token: str, seconds: int) -> str:
    jar = Response()
    secure = request.url.scheme == "https"
    jar.set_cookie(COOKIE, token, seconds, secure=secure, httponly=True, samesite="strict")
    return jar.headers["Set-Cookie"]


class Throttle:
    """Counts failed logins by name and address: five are free, then each wait doubles, to 15 min.

    now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}
        self._lock = threading.Lock()
        self.trying = threading.Lock()
        """To be held through a try: none slips by while another is checked."""

    def wait(self, who: tuple[str, str]) -> float:
        """Seconds until the next try is let through; 0: now."""
        with self._lock:
            count, last = self._failures.get(who, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(count - FREE_TRIES, 30))
        return max(0.0, last + delay - self._now())

    def failed(self, who: tuple[str, str]) -> None:
        """Count a failure; of very many, the oldest is forgotten."""
        with self._lock:
            count, _ = self._failures.pop(who, (0, 0.0))
            self._failures[who] = (count + 1, self._now())
            if len(self._failures) > REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def forget(self, who: tuple[str, str]) -> None:
        """Begin anew after a success."""
        with self._lock:
            self._failures.pop(who, None)


class Guard:
    """What every request passes: host, origin and size are checked, and headers are set.

    A page of another site that lets its own name point here (DNS rebinding) is told by its Host
    header; it is not checked where the app is bound to all addresses, for then it has accounts,
    whose cookies such a page does not have.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.hosts = allowed_hosts(services.settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        answer = _with_headers(scope, send)
        if refusal is not None:
            await JSONResponse({"error": refusal[1]}, refusal[0])(scope, receive, answer)
        else:
            await self.app(scope, _limited(receive, _limit(scope)), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.hosts is not None and host_name(host) not in self.hosts:
            return 403, "this app is not known by that name; use the address that it printed"
        origin = headers.get("origin")
        if scope["method"] != "GET" and origin is not None and origin_host(origin) != host:
            return 403, "a page of another site may not ask for this"
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > _limit(scope):
            return 413, _too_large(_limit(scope))
        return None


def allowed_hosts(bound: str) -> frozenset[str] | None:
    """The names by which an app may be asked; None: any, as it is bound to all addresses."""
    if bound in ("", "0.0.0.0", "::"):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", bound.lower()})


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    >>> is_local("localhost"), is_local("127.0.0.1"), is_local("0.0.0.0"), is_local("example.org")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """A Host header without its port, in small letters; empty for what is none.

    >>> host_name("LOCALHOST:7777"), host_name("[::1]:7777"), host_name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if header.startswith("["):
        name, _, rest = header[1:].partition("]")
        return name.lower() if rest[:1] in ("", ":") else ""
    return header.partition(":")[0].lower()


def origin_host(address: str) -> str:
    """The host and port of an address; empty for what is none.

    >>> origin_host("http://localhost:7777"), origin_host("null"), origin_host("http://[")
    ('localhost:7777', '', '')
    """
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def _limit(scope: Scope) -> int:
    return UPLOAD_LIMIT + FORM_SPACE if scope["path"] == UPLOADS else BODY_LIMIT


def _too_large(limit: int) -> str:
    return f"too large: at most {limit / 1e6:.0f} MB"


def _limited(receive: Receive, limit: int) -> Receive:
    """The same body, refused once more of it came than is allowed, whatever its header said."""
    got = 0

    async def limited() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return limited


def _with_headers(scope: Scope, send: Send) -> Send:
    """Set what browsers are told with every answer, and the cookie that was asked for."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            headers.setdefault("Cache-Control", _caching(scope))
            cookie = scope["state"].get("cookie")
            if cookie is not None:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return answer


def _caching(scope: Scope) -> str:
    """Assets are kept for good where their address has their hash; pages and answers never."""
    if not scope["path"].startswith("/static/"):
        return "no-store"
    hashed = scope["query_string"].startswith(b"v=")
    return "public, max-age=31536000, immutable" if hashed else "no-cache"


def check_bound(host: str, accounts: bool) -> None:
    """Raise UserError if others could reach an app that asks nobody who they are."""
    if not is_local(host) and not accounts:
        raise UserError(
            f"host={host}: others could reach the app, and there are no accounts; add one with "
            "drawsim annotate user add NAME, or leave host out"
        )
