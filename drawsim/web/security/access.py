"""Who may do what: sessions, and tokens against forged requests.

A cookie names the session. Requests that change something must carry the session's token too
(OWASP, "Cross-Site Request Forgery Prevention", synchronizer token), which other sites cannot read.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from drawsim.web.security.accounts import Session, User
from drawsim.web.services import services_of

SCHEME = "session"
"""What OpenAPI calls the cookie."""
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
LOCAL = User("local", "reviewer")
"""Who works where there are no accounts."""

NO_PAGES = (
    *("/api/", "/health", "/picture", "/overlay", "/export/", "/iiif/", "/static/"),
    "/openapi.json",
)
"""Where a missing session is an answer of its own instead of a way to the login page."""


class _SessionCookie(APIKeyCookie):
    """The cookie of this app's own sessions, whose name each store has for itself."""

    async def __call__(self, request: HTTPConnection) -> str | None:
        """What the cookie holds."""
        return request.cookies.get(request.app.state.services.sessions.cookie)


_cookie = _SessionCookie(
    name="session", scheme_name=SCHEME, description="given by a page", auto_error=False
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
        session = begin(request, LOCAL)
    if session is None:
        raise LoginNeeded
    return session


CurrentUser = Annotated[Session, Depends(current_user)]


def find_session(request: Request, token: str | None = None) -> Session | None:
    """The session that the request's cookie names, if it is alive and its account is still there.

    The cookie of a user who may no longer log in, or of times without accounts, counts for nothing;
    the role is that of the account now.
    """
    known: Session | None = getattr(request.state, "session", None)
    if known is not None:  # looked up for this very request
        return known
    services = services_of(request)
    token = token or request.cookies.get(services.sessions.cookie)
    session = services.sessions.find(token) if token else None
    if session is None:
        return None
    user = LOCAL if services.accounts is None else services.accounts.find(session.user)
    if user is None or user.name != session.user:
        return None
    request.state.session = replace(session, role=user.role)
    return request.state.session


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


def log_out(request: Request) -> None:
    """End the session of the request, if any, and take its cookie back."""
    sessions = services_of(request).sessions
    token = request.cookies.get(sessions.cookie)
    if token:
        sessions.end(token)
    set_cookie(request, sessions.cookie, "", 0)


def begin(request: Request, user: User) -> Session:
    """A new session, whose cookie goes with the answer."""
    sessions = services_of(request).sessions
    session = sessions.start(user)
    left = session.until - datetime.now(timezone.utc)
    set_cookie(request, sessions.cookie, session.token, round(left.total_seconds()))
    return session


def set_cookie(request: Request, name: str, value: str, seconds: int) -> None:
    """Let the answer bring a cookie that scripts and other sites do not see."""
    jar = Response()
    secure = request.url.scheme == "https"
    jar.set_cookie(name, value, seconds, secure=secure, httponly=True, samesite="strict")
    cookies = getattr(request.state, "cookies", ())
    request.state.cookies = (*cookies, jar.headers["Set-Cookie"])
