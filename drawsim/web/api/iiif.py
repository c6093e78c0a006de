"""Documents and images by IIIF, for whoever is logged in."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Path, Request
from fastapi import Query as Asked
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from drawsim.collection.iiif.names import named
from drawsim.collection.kinds import Kind
from drawsim.pixels.image_requests import Asked as Parts
from drawsim.pixels.image_requests import BadRequestError, parse_request
from drawsim.web.api import routing
from drawsim.web.api.pictures import answer, unchanged
from drawsim.web.api.routing import refusals
from drawsim.web.darkroom import Darkroom, lane_of
from drawsim.web.iiif.documents import Exhibit
from drawsim.web.iiif.images import Framed
from drawsim.web.pictures import Picture
from drawsim.web.services import services_of

Name = Annotated[str, Path(max_length=6000, description="an id, ~ for % in its percent encoding")]
Words = Annotated[str, Asked(max_length=500)]
PRESENTATION = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
IMAGE = 'application/ld+json;profile="http://iiif.io/api/image/3/context.json"'
TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/ld+json": {}}, "description": "The document."}
}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}},
        "description": "The picture.",
    }
}

asking = routing.asking("/iiif")


def _parts(region: str, size: str, rotation: str, quality: str, format_: str) -> Parts:
    """The five parameters of an image request, as the address has them."""
    return region, size, rotation, quality, format_


Wanted = Annotated[Parts, Depends(_parts)]


def _id(name: str) -> str:
    """The id that stands in an address."""
    found = named(name)
    if found is None or "\0" in found:
        raise HTTPException(404, "there is no such image")
    return found


def _exhibit(request: Request) -> Exhibit:
    return Exhibit(services_of(request), f"{request.base_url}iiif/")


def _document(request: Request, found: dict[str, Any], media_type: str = PRESENTATION) -> Response:
    """A document, or the word that the browser has it."""
    data = json.dumps(found, ensure_ascii=False).encode()
    etag = hashlib.sha256(data).hexdigest()[:40]
    return unchanged(request, etag) or answer(Picture(data, media_type, etag))


@asking.get("/collection.json", response_class=Response, responses=TEXT | refusals(404))
def collection(request: Request) -> Response:
    """The manifests of confirmed pairs."""
    return _document(request, _exhibit(request).whole())


@asking.get("/pairs/{page}/manifest.json", response_class=Response, responses=TEXT | refusals(404))
def pairs(request: Request, page: Annotated[int, Path(ge=1, le=1_000_000)]) -> Response:
    """Confirmed pairs, drawing and artwork side by side."""
    return _document(request, _exhibit(request).pairs(page))


@asking.get(
    "/found/{kind}/{name}/manifest.json", response_class=Response, responses=TEXT | refusals(404)
)
def found(
    request: Request, kind: Kind, name: Name, k: Annotated[int, Asked(ge=1, le=200)] = 20
) -> Response:
    """The first candidates of a picture, each beside it."""
    return _document(request, _exhibit(request).found(kind, _id(name), k))


@asking.get("/regions/{drawing}/{artwork}", response_class=Response, responses=TEXT | refusals(404))
async def regions(request: Request, drawing: Name, artwork: Name) -> Response:
    """What was marked in a pair, and where the model sees one layout in both."""
    darkroom: Darkroom = request.app.state.darkroom
    pair = _id(drawing), _id(artwork)
    told = await darkroom.make("search", partial(_exhibit(request).regions, pair))
    return await run_in_threadpool(_document, request, told)


@asking.get("/search", response_class=Response, responses=TEXT | refusals(404))
def search(request: Request, q: Words = "", motivation: Words = "", user: Words = "") -> Response:
    """Annotations by their words (Content Search 2)."""
    address = str(request.url)
    return _document(request, _exhibit(request).search(address, q, motivation, user))


@asking.get(
    "/images/{kind}/{name}",
    response_class=RedirectResponse,
    status_code=303,
    responses=refusals(404),
)
def image(request: Request, kind: Kind, name: Name) -> Response:
    """The way to what is known of an image."""
    return RedirectResponse(f"{request.url.path}/info.json", 303)


@asking.get(
    "/images/{kind}/{name}/info.json", response_class=Response, responses=TEXT | refusals(404)
)
def image_info(request: Request, kind: Kind, name: Name) -> Response:
    """What can be asked for of a picture (Image API 3, level 2)."""
    shown = Framed(services_of(request).pictures, ((kind, _id(name)),))
    return _document(request, shown.info(_service(request)), IMAGE)


@asking.get(
    "/rows/{drawing}/{artwork}/info.json", response_class=Response, responses=TEXT | refusals(404)
)
def row_info(request: Request, drawing: Name, artwork: Name) -> Response:
    """The same of the two pictures of a pair in a row."""
    return _document(request, _row(request, drawing, artwork).info(_service(request)), IMAGE)


@asking.get(
    "/images/{kind}/{name}/{region}/{size}/{rotation}/{quality}.{format_}",
    response_class=Response,
    responses={**PICTURE, **refusals(400, 404, 501)},
)
async def image_part(request: Request, kind: Kind, name: Name, parts: Wanted) -> Response:
    """A part of a picture."""
    shown = Framed(services_of(request).pictures, ((kind, _id(name)),))
    return await _part(request, shown, parts)


@asking.get(
    "/rows/{drawing}/{artwork}/{region}/{size}/{rotation}/{quality}.{format_}",
    response_class=Response,
    responses={**PICTURE, **refusals(400, 404, 501)},
)
async def row_part(request: Request, drawing: Name, artwork: Name, parts: Wanted) -> Response:
    """A part of the two pictures of a pair in a row."""
    shown = _row(request, drawing, artwork)
    return await _part(request, shown, parts)


def _row(request: Request, drawing: str, artwork: str) -> Framed:
    keys: tuple[tuple[Kind, str], ...] = (("drawing", _id(drawing)), ("artwork", _id(artwork)))
    return Framed(services_of(request).pictures, keys)


def _service(request: Request) -> str:
    """The address of the image service whose info.json is asked for."""
    return f"{request.base_url}{request.url.path[1:]}".removesuffix("/info.json")


async def _part(request: Request, shown: Framed, asked: Parts) -> Response:
    """What is asked for of an image, made as all pictures are, or as it was kept."""
    whole = await run_in_threadpool(lambda: shown.size)
    try:
        parsed = parse_request(asked, *whole)
    except BadRequestError as error:
        raise HTTPException(501 if error.unsupported else 400, str(error)) from None
    etag = await run_in_threadpool(shown.etag, parsed.canonical)
    if (same := unchanged(request, etag)) is not None:
        return same
    made = await run_in_threadpool(shown.kept, parsed, etag)
    if made is None:
        darkroom: Darkroom = request.app.state.darkroom
        lane = lane_of(await run_in_threadpool(lambda: shown.bytes))
        made = await darkroom.make(lane, partial(shown.make, parsed, etag))
    return answer(made)
