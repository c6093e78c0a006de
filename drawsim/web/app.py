"""The annotation app: its routes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from drawsim import __version__
from drawsim.common.errors import UserError
from drawsim.web import api
from drawsim.web.api import health, schema
from drawsim.web.darkroom import Darkroom
from drawsim.web.events.database import AWAY, AWAY_TEXT
from drawsim.web.pages import colours
from drawsim.web.pages import groups as group_pages
from drawsim.web.pages import judge as pages
from drawsim.web.pages import labels as label_pages
from drawsim.web.pages import review as review_pages
from drawsim.web.pages.rendering import STATIC, render
from drawsim.web.pictures import NoPicture
from drawsim.web.queue.finder import NoSuchImage
from drawsim.web.queue.groups import NoSuchGroup
from drawsim.web.security.access import LoginNeeded, find_session, is_page, login_needed
from drawsim.web.security.bodies import Bodies
from drawsim.web.security.guard import Guard
from drawsim.web.security.login import Logins
from drawsim.web.security.throttle import Throttle
from drawsim.web.services import Services

MISSING = (NoSuchImage, NoSuchGroup, NoPicture)
TITLES = {403: "Not allowed", 404: "Not found", 429: "Too many tries", 500: "A mistake of the app"}
"""What error pages are called; all others: Not possible."""


def create_app(services: Services) -> FastAPI:
    """The app with everything it works with; nothing is read or started before it is asked."""
    # FastAPI's own routes ask nobody who they are; `api.schema` tells the schema instead.
    app = FastAPI(title="drawsim annotate", version=__version__, openapi_url=None)
    app.state.services = services
    app.state.logins = Logins(Throttle(services.store.engine))
    app.state.darkroom = Darkroom()
    app.add_middleware(Bodies)
    app.add_middleware(Guard, services=services)  # comes first
    for router in (health.router, *api.ROUTERS, schema.asking):
        app.include_router(router)
    for page in (pages, review_pages, label_pages, group_pages):
        app.include_router(page.router)
    app.include_router(colours.router)  # before the files of the same folder
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(LoginNeeded, login_needed)
    app.add_exception_handler(UserError, _mendable)
    app.add_exception_handler(RequestValidationError, _misfit)
    app.add_exception_handler(HTTPException, _refused)
    for error in AWAY:
        app.add_exception_handler(error, _no_database)
    app.add_exception_handler(Exception, _defect)
    return app


def _mendable(request: Request, error: Exception) -> Response:
    return _answer(request, 404 if isinstance(error, MISSING) else 422, str(error))


def _misfit(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, 422, _first_of(error.errors()))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = "there is no such page" if error.detail == "Not Found" else str(error.detail)
    return _answer(request, error.status_code, text, error.headers)


def _no_database(request: Request, error: Exception) -> Response:
    # Who is logged in cannot be asked either.
    return _answer(request, 503, AWAY_TEXT, nameless=True)


def _defect(request: Request, error: Exception) -> Response:
    # Not as a page: whatever went wrong could go wrong in it again.
    return JSONResponse({"error": "a mistake of the app; its terminal says more"}, 500)


def _first_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """What a validation found, in a line: where the first one is, and how many more there are."""
    if errors[0]["type"] == "json_invalid":
        return "what was sent is no JSON"
    place = ".".join(str(part) for part in errors[0]["loc"][1:])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place}: {errors[0]['msg']}{more}" if place else f"{errors[0]['msg']}{more}"


def _answer(
    request: Request,
    status: int,
    text: str,
    headers: Mapping[str, str] | None = None,
    *,
    nameless: bool = False,
) -> Response:
    """An error as JSON, or as a page for people. nameless: who asks is not looked up."""
    # What was sent may hold half characters, which no answer can.
    text = text.encode("utf-8", "backslashreplace").decode()
    if not is_page(request):
        return JSONResponse({"error": text}, status, headers)
    page = render(
        request,
        "error.html.j2",
        status,
        session=None if nameless else find_session(request),
        active="",
        title=TITLES.get(status, "Not possible"),
        message=text,
    )
    page.headers.update(headers or {})
    return page
