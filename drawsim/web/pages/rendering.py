"""From a template to a page, and the addresses of scripts, styles and symbols."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from drawsim.web.pages import colours, grading
from drawsim.web.services import services_of

STATIC = Path(__file__).parents[1] / "static"


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of this package; what they show is escaped, what is not there is an error."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("drawsim.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {"asset": asset, "grades_for_scripts": grading.for_scripts()}
    return templates


@functools.cache
def asset(name: str) -> str:
    """The address of a file of the folder `static`; another one whenever the file changes."""
    made = name == colours.STYLE_SHEET
    content = colours.style_sheet().encode() if made else (STATIC / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"/static/{quote(name)}?v={digest[:12]}"


def render(request: Request, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
    """A page from a template, such as judge.html.j2.

    values: what the template shows; `session` and `active` are always among them (session None
    where nobody is logged in). Beside them it has `asset(file)`, `settings`, `accounts`,
    which says whether people log in, `grouped`, whether there are groups, and the text
    `grades_for_scripts`.
    """
    services = services_of(request)
    text = (
        environment()
        .get_template(template)
        .render(
            settings=services.settings,
            accounts=services.accounts is not None,
            grouped=services.groups is not None,
            **values,
        )
    )
    return HTMLResponse(text, status)
