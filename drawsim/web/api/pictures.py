"""Pictures by kind and id, and what two of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query as Asked
from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from drawsim.collection.kinds import Kind
from drawsim.web.api import routing
from drawsim.web.api.fields import Id
from drawsim.web.api.routing import ById, refusals
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
def picture(
    request: Request,
    kind: Kind,
    name: ById,
    size: Annotated[Literal["thumb", "full"], Asked()] = "thumb",
) -> Response:
    """A picture by kind and id: WebP of at most 320 pixels, or JPEG of at most 1600."""
    pictures = services_of(request).pictures
    etag = pictures.etag(kind, name, size)
    make = pictures.small if size == "thumb" else pictures.large
    return _conditional(request, etag, lambda: make(kind, name))


@asking.get(
    "/overlay",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture."},
        304: {"description": "The browser has it."},
        **refusals(404),
    },
)
def overlay(
    request: Request, drawing: Annotated[Id, Asked()], artwork: Annotated[Id, Asked()]
) -> Response:
    """Drawing and artwork side by side with the parts of one layout that both share."""
    services = services_of(request)
    lens, index = services.finder.lens, services.finder.made_with.index_sha256
    if lens is None:
        raise NoPicture("there is no overlay: the index does not say its model")
    made = services.pictures.overlay(drawing, artwork, index, lens.overlay)
    if made is None:
        raise NoPicture("the two have no common layout")
    return _conditional(request, made.etag, lambda: made)


def _conditional(request: Request, etag: str, make: Callable[[], Picture]) -> Response:
    """The picture, made now, or the word that the browser has it."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": KEPT_BY_BROWSERS}
    if _CONDITION.is_not_modified(Headers(headers), request.headers):
        return NotModifiedResponse(Headers(headers))
    made = make()
    return Response(made.data, headers=headers, media_type=made.media_type)
