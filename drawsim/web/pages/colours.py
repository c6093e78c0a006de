"""The style sheet `colours.css`: the palette and the grades' colours, made when it is asked for."""

from __future__ import annotations

import functools
import hashlib

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from drawsim.common import palette
from drawsim.web.pages import grading

STYLE_SHEET = "colours.css"
"""Its name in the folder `static`, where it would be if it were a file."""

router = APIRouter(include_in_schema=False)


@router.get(f"/static/{STYLE_SHEET}")
def colours(request: Request) -> Response:
    """The style sheet, or the word that the browser has it."""
    content = style_sheet().encode()
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if StaticFiles().is_not_modified(Headers(headers), request.headers):
        return NotModifiedResponse(Headers(headers))
    return Response(content, headers=headers, media_type="text/css")


@functools.cache
def style_sheet() -> str:
    """The colours as variables, in light, in dark and in print."""
    return f"{palette.style_sheet()}\n{grading.rules()}\n"
