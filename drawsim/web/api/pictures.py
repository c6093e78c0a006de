"""Pictures by kind and id, and what two of them share."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from fastapi import Query as Asked
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from drawsim.collection.kinds import Kind
from drawsim.web.api import routing
from drawsim.web.api.fields import Id
from drawsim.web.api.routing import ById, refusals
from drawsim.web.darkroom import Darkroom, lane_of
from drawsim.web.pictures import NoPicture, Picture
from drawsim.web.services import services_of

KEPT_BY_BROWSERS = "private, no-cache"
"""Browsers keep pictures, and ask each time whether they are still the same."""

asking = routing.asking()
_CONDITION = StaticFiles()  # knows what If-None-Match says


@asking.get(
    "/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}, "image/jpeg": {}}, "description": "The picture."},
        304: {"description": "The browser has it."},
        **refusals(404),
    },
)
async def picture(
    request: Request,
    kind: Kind,
    name: ById,
    size: Annotated[Literal["thumb", "full"], Asked()] = "thumb",
) -> Response:
    """A picture by kind and id: WebP of at most 320 pixels, or JPEG of at most 1600."""
    pictures = services_of(request).pictures

    etag = await run_in_threadpool(pictures.etag, kind, name, size)
    if (same := unchanged(request, etag)) is not None:
        return same
    kept = await run_in_threadpool(pictures.kept, etag) if size == "thumb" else None
    if kept is None:
        make = pictures.small if size == "thumb" else pictures.large
        darkroom: Darkroom = request.app.state.darkroom
        length = await run_in_threadpool(pictures.bytes_of, kind, name)
        kept = await darkroom.make(lane_of(length), partial(make, kind, name))
    return answer(kept)


@asking.get(
    "/overlay",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture."},
        304: {"description": "The browser has it."},
        **refusals(404),
    },
)
async def overlay(
    request: Request, drawing: Annotated[Id, Asked()], artwork: Annotated[Id, Asked()]
) -> Response:
    """Drawing and artwork side by side with the parts of one layout that both share."""
    services = services_of(request)
    lens, index = services.finder.lens, services.finder.made_with.index_sha256
    if lens is None:
        raise NoPicture("there is no overlay: the index does not say its model")
    work = partial(services.pictures.overlay, drawing, artwork, index, lens.overlay)
    darkroom: Darkroom = request.app.state.darkroom
    made = await darkroom.make("search", work)
    if made is None:
        raise NoPicture("the two have no common layout")
    return unchanged(request, made.etag) or answer(made)


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "Cache-Control": KEPT_BY_BROWSERS}


def unchanged(request: Request, etag: str) -> Response | None:
    """The word that the browser has it, if it does."""
    headers = Headers(_headers(etag))
    if _CONDITION.is_not_modified(headers, request.headers):
        return NotModifiedResponse(headers)
    return None


def answer(made: Picture) -> Response:
    """What was made, with the headers by which browsers ask for it again."""
    return Response(made.data, headers=_headers(made.etag), media_type=made.media_type)
