"""Looking for pictures: by words, by an uploaded picture, by a part of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import File, Form, HTTPException, Request, UploadFile

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.web.api import routing
from drawsim.web.api.fields import Fraction
from drawsim.web.api.requests import BoxRequest, SteerRequest, WordsRequest
from drawsim.web.api.responses import FoundResponse, ItemResponse
from drawsim.web.api.routing import refusals
from drawsim.web.darkroom import Darkroom
from drawsim.web.events.drafts import Box
from drawsim.web.pictures import cut
from drawsim.web.queue.steering import steered
from drawsim.web.security.bodies import UPLOAD_LIMIT
from drawsim.web.services import services_of

FOUND = 40
"""Candidates for a picture or a part of one."""
SOME_TEXTS = 60
"""Images found by words."""

changing = routing.changing()


@changing.post("/api/find/text")
def find_text(request: Request, given: WordsRequest) -> list[ItemResponse]:
    """Images of a kind in whose id or metadata all words occur."""
    found = services_of(request).finder.by_text(given.kind, given.text, SOME_TEXTS)
    return ItemResponse.list_of(found)


@changing.post("/api/find/image")
async def find_image(
    request: Request,
    file: Annotated[UploadFile, File(description="a picture, at most 20 MB")],
    kind: Annotated[Kind, Form(description="of the picture")],
    x: Annotated[Fraction, Form()] = 0.0,
    y: Annotated[Fraction, Form()] = 0.0,
    width: Annotated[Fraction, Form()] = 1.0,
    height: Annotated[Fraction, Form()] = 1.0,
) -> FoundResponse:
    """Candidates for an uploaded picture, or for the part of it that the fractions name."""
    services = services_of(request)
    data = await file.read(UPLOAD_LIMIT + 1)
    if len(data) > UPLOAD_LIMIT:
        raise HTTPException(413, f"the picture is too large: at most {UPLOAD_LIMIT / 1e6:.0f} MB")
    box = _box((x, y, width, height))
    lens = services.finder.lens
    whole = (x, y, width, height) == (0.0, 0.0, 1.0, 1.0)
    # A whole picture is decoded as the model decodes files, so that it is found at the same rank.
    least = lens.least_side if whole and lens is not None else None

    def found() -> FoundResponse:
        pixels = cut(services.pictures.upload(data, least), box)
        return FoundResponse.of(services.finder.by_pixels(pixels, kind, FOUND))

    darkroom: Darkroom = request.app.state.darkroom
    return await darkroom.make("search", found)


@changing.post("/api/find/box", responses=refusals(404))
async def find_box(request: Request, given: BoxRequest) -> FoundResponse:
    """Candidates for a part of a picture of the index."""
    services = services_of(request)
    services.finder.item(given.kind, given.id)
    box = _box(given.box)

    def found() -> FoundResponse:
        pixels = cut(services.pictures.pixels(given.kind, given.id), box)
        return FoundResponse.of(services.finder.by_pixels(pixels, given.kind, FOUND))

    darkroom: Darkroom = request.app.state.darkroom
    return await darkroom.make("search", found)


@changing.post("/api/find/steer", responses=refusals(404))
def find_steered(request: Request, given: SteerRequest) -> FoundResponse:
    """Images like some and a text, and unlike others: the mean of those, less half of these."""
    like, unlike = ([(each.kind, each.id) for each in some] for some in (given.like, given.unlike))
    finder, text = services_of(request).finder, given.text.strip()
    return FoundResponse.of(steered(finder, given.kind, like, unlike, text, FOUND))


def _box(box: Box) -> Box:
    """A box that is inside its picture. Raises UserError for any other."""
    x, y, width, height = box
    if not (width > 0 and height > 0 and x + width <= 1 + 1e-6 and y + height <= 1 + 1e-6):
        raise UserError("the box must have a width and a height, and lie inside the picture")
    return box
