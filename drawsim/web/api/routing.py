"""Routers by what their requests must bring, and what OpenAPI is told of their errors."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Query as Asked

from drawsim.web.api.fields import Id
from drawsim.web.api.responses import ErrorResponse
from drawsim.web.security.access import checked_csrf, current_user, reviewer

ById = Annotated[Id, Asked(alias="id")]


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI tells the errors of a route."""
    meaning = {
        400: "The request cannot be read.",
        401: "Nobody is logged in.",
        403: "The token of the page is missing or old, or the user may not do this.",
        404: "There is no such image.",
        413: "The request is too large.",
        422: "Something that was sent cannot be used.",
        501: "What is asked for of an image is not made here.",
        503: "The database does not answer, or a picture takes too long.",
    }
    return {code: {"model": ErrorResponse, "description": meaning[code]} for code in (*codes, 503)}


def download(media_type: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI tells a file."""
    return {200: {"content": {media_type: {}}, "description": "The file."}}


def asking(prefix: str = "") -> APIRouter:
    """For requests that change nothing: somebody is logged in."""
    needed = [Depends(current_user)]
    return APIRouter(prefix=prefix, dependencies=needed, responses=refusals(401, 403, 422))


def changing() -> APIRouter:
    """For requests that may change something: they carry the session's token."""
    return APIRouter(
        dependencies=[Depends(checked_csrf)], responses=refusals(400, 401, 403, 413, 422)
    )


def exporting() -> APIRouter:
    """For what only reviewers get."""
    return APIRouter(
        prefix="/export", dependencies=[Depends(reviewer)], responses=refusals(401, 403)
    )
