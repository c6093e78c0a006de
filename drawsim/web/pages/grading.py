"""The grades as browsers need them: their colours as a style sheet, names and keys for scripts."""

from __future__ import annotations

import functools
import json

from fastapi import APIRouter
from fastapi.responses import Response

from drawsim.collection.grades import MATCH, MEANINGS, Meaning

STYLE_SHEET = "grades.css"
"""Its name in the folder `static`, where it would be if it were a file."""

router = APIRouter(include_in_schema=False)


@router.get(f"/static/{STYLE_SHEET}")
def colours() -> Response:
    """The style sheet."""
    return Response(style_sheet(), media_type="text/css")


@functools.cache
def style_sheet() -> str:
    """What gives everything with a data-grade the variable --grade, a colour, in both schemes.

    --picture: how much is left of the picture of what people rejected.
    """
    light = [_rule(each, each.light) for each in MEANINGS]
    dark = [_rule(each, each.dark) for each in MEANINGS]
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])


def _rule(meaning: Meaning, colour: str) -> str:
    faint = " --picture: .45;" if meaning.training == "negative" else ""
    return f'[data-grade="{meaning.name}"] {{ --grade: {colour};{faint} }}'


@functools.cache
def for_scripts() -> str:
    """A list in JSON: `grade`, `key`, `label` and `means` of each, and `match`, of one of them."""
    return json.dumps(
        [
            {
                "grade": each.name,
                "key": each.key,
                "label": each.label,
                "means": each.means,
                "match": each.name == MATCH,
            }
            for each in MEANINGS
        ]
    )
