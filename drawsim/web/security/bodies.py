"""What of a request's body is read at all: nothing of strangers, and never more than allowed."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drawsim.web.events.database import AWAY, AWAY_TEXT
from drawsim.web.security.access import LoginNeeded, find_session, login_needed

FORM_LIMIT = 1 << 14
"""Bytes of a form that is sent without a session: name and password."""
BODY_LIMIT = 1 << 20
"""Bytes of a request that is no upload."""
UPLOAD_LIMIT = 20 * 1000 * 1000
"""Bytes of an uploaded picture."""
UPLOADS = "/api/find/image"
LOGIN = "/login"


class Bodies:
    """Refuses bodies before anything reads them.

    The size is told by the header, and counted as the body comes, whatever the header said. A body
    is read of those who are logged in; of everybody else, only the form of the login page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if "transfer-encoding" not in headers and length == "0":  # it has no body
            await self.app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        refusal: Response | None = None
        if length.isascii() and length.isdigit() and float(length) > limit:
            refusal = JSONResponse({"error": _too_large(limit)}, 413)
        elif scope["path"] != LOGIN:
            request = Request(scope)
            try:
                if await run_in_threadpool(find_session, request) is None:
                    refusal = login_needed(request, LoginNeeded())
            except AWAY:  # here, nothing else makes an answer of it
                refusal = JSONResponse({"error": AWAY_TEXT}, 503)
        if refusal is None:
            await self.app(scope, _limited(receive, limit), send)
        else:
            await refusal(scope, receive, send)


def _limit(path: str) -> int:
    if path == LOGIN:
        return FORM_LIMIT
    return UPLOAD_LIMIT + FORM_LIMIT if path == UPLOADS else BODY_LIMIT


def _too_large(limit: int) -> str:
    size = f"{limit / 1e6:.0f} MB" if limit >= 1e6 else f"{limit / 1e3:.0f} kB"
    return f"too large: at most {size}"


def _limited(receive: Receive, limit: int) -> Receive:
    """The same body, refused once more of it came than is allowed."""
    got = 0

    async def limited() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return limited
