"""What OpenAPI tells of all this, to who is logged in."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from drawsim.web.api import routing
from drawsim.web.security.access import SCHEME
from drawsim.web.services import services_of

asking = routing.asking()


@asking.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The schema, with the name that the session's cookie has here."""
    told = request.app.openapi()
    told["components"]["securitySchemes"][SCHEME]["name"] = services_of(request).sessions.cookie
    return JSONResponse(told)
