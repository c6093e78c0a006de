"""What every answer carries, and whose requests are heard at all: names of the app, other sites."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drawsim.common.errors import UserError
from drawsim.web.services import Services

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class Guard:
    """What every request passes: host and origin are checked, and headers are set.

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
        refusal = self._refusal(scope, Headers(scope=scope))
        answer = _with_headers(scope, send)
        if refusal is not None:
            await JSONResponse({"error": refusal}, 403)(scope, receive, answer)
        elif "\0" in scope["path"]:  # no file is called so, and Python 3.10 fails to look for it
            await JSONResponse({"error": "there is no such page"}, 404)(scope, receive, answer)
        else:
            await self.app(scope, receive, answer)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if self.hosts is not None and host_name(host) not in self.hosts:
            return "this app is not known by that name; use the address that it printed"
        origin = headers.get("origin")
        if scope["method"] != "GET" and origin is not None and origin_host(origin) != host:
            return "a page of another site may not ask for this"
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


def _with_headers(scope: Scope, send: Send) -> Send:
    """Set what browsers are told with every answer, and the cookies that were asked for."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            headers.setdefault("Cache-Control", _caching(scope))
            for cookie in scope["state"].get("cookies", ()):
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
