"""Whether the app can work, for who starts it again or leads requests to it: nobody need log in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from drawsim.web.services import services_of

router = APIRouter(include_in_schema=False)


@router.get("/health")
def health(request: Request) -> PlainTextResponse:
    """The word "ok", or 503 where the database does not answer."""
    services_of(request).store.newest()
    return PlainTextResponse("ok\n")
