"""The pages that annotators work on: log in, judge, find."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from drawsim.collection.kinds import KINDS, Kind
from drawsim.common.errors import UserError, nearest
from drawsim.web.pages import wording
from drawsim.web.pages.rendering import render
from drawsim.web.queue.labels import COLUMN as TAGS
from drawsim.web.queue.queue import Order
from drawsim.web.security.access import (
    CurrentUser,
    checked_csrf,
    find_session,
    log_out,
    safe_way,
)
from drawsim.web.security.login import log_in
from drawsim.web.services import Services, services_of

router = APIRouter(include_in_schema=False)

ORDERS: dict[Order, str] = {
    "unjudged": "never judged first",
    "uncertain": "most uncertain first",
    "likely": "most likely match first",
    "random": "in random order",
    "tag": "by tag, untagged last",
    "id": "by id",
}
"""The orders of a queue, in words."""


@router.get("/")
def start() -> Response:
    """The way to the page that most people want."""
    return RedirectResponse("/judge", 303)


@router.get("/login")
def login(request: Request, then: str = "/") -> Response:
    """The form that asks for name and password; whoever needs none is sent on."""
    if services_of(request).accounts is None or find_session(request) is not None:
        return RedirectResponse(safe_way(then), 303)
    return _login_form(request, safe_way(then))


@router.post("/login")
async def logged_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    then: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session, or say why not."""
    way = safe_way(then)
    if services_of(request).accounts is None:
        return RedirectResponse(way, 303)
    try:
        await log_in(request, name, password)
    except HTTPException as refusal:
        answer = _login_form(request, way, name, str(refusal.detail), refusal.status_code)
        answer.headers.update(refusal.headers or {})
        return answer
    return RedirectResponse(way, 303)


def _login_form(
    request: Request, then: str, name: str = "", error: str = "", status: int = 200
) -> Response:
    values = {"then": then, "name": name, "error": error}
    return render(request, "login.html.j2", status, session=None, active="", **values)


@router.post("/logout", dependencies=[Depends(checked_csrf)])
def logged_out(request: Request) -> Response:
    """End the session."""
    log_out(request)
    return RedirectResponse("/login", 303)


@router.get("/judge")
def judge(
    request: Request,
    session: CurrentUser,
    kind: str = "drawing",
    order: str = "unjudged",
    where: str = "",
    name: Annotated[str, Query(alias="id")] = "",
) -> Response:
    """The page to judge candidates on: the next query of a queue, or the one with the id `name`.

    Raises UserError for an unknown kind, order or id. A filter that cannot be read is told on the
    page itself, beside the field it is typed in.
    """
    query = _kind(request, kind)
    finder = services_of(request).finder
    orders = _orders(services_of(request))
    if order not in orders:
        raise UserError(f"there is no order {order!r}; {nearest(order, orders)}")
    if name:
        finder.item(query, name)
    return render(
        request,
        "judge.html.j2",
        session=session,
        active="judge",
        kind=query,
        order=order,
        where=where,
        id=name,
        kinds=finder.kinds,
        orders=orders,
        calibration=finder.calibration,
        wording=wording,
        columns={one: _columns(one, finder.tables[one]) for one in finder.kinds},
    )


@router.get("/find")
def find(
    request: Request,
    session: CurrentUser,
    kind: str = "drawing",
    for_id: Annotated[str, Query(alias="for")] = "",
    like: str = "",
    text: str = "",
) -> Response:
    """The page to look for pictures of the other kind by words, or by a picture of this kind.

    for_id: whose match is looked for; what is found can be graded for it. like: the picture to look
    with. text: the words to begin with. Raises UserError for an unknown kind or id.
    """
    query = _kind(request, kind)
    finder = services_of(request).finder
    picture = asdict(finder.item(query, for_id or like)) if for_id or like else None
    return render(
        request,
        "find.html.j2",
        session=session,
        active="find",
        kind=query,
        wanted=bool(for_id),
        picture=json.dumps(picture),
        text=text,
        kinds=finder.kinds,
        seen=finder.words is not None,
    )


def _orders(services: Services) -> dict[Order, str]:
    """The orders that there are, in words.

    Where several judge each query, what others have begun comes first; how likely a match is, is
    known of a calibrated index alone.
    """
    orders = dict(ORDERS)
    if services.settings.overlap > 1:
        orders["unjudged"] = "begun by others first"
    if services.finder.calibration is None:
        del orders["likely"]
    return orders


def _columns(kind: Kind, table: pd.DataFrame) -> list[str]:
    """What a filter of the queue may ask for."""
    own = [str(column) for column in table.columns if column != "path"]
    return [*own, TAGS] if kind == "drawing" and TAGS not in own else own


def _kind(request: Request, name: str) -> Kind:
    """A kind of query that the app was started with. Raises UserError for any other."""
    kinds = services_of(request).finder.kinds
    for kind in KINDS:
        if kind == name and kind in kinds:
            return kind
    raise UserError(f"there is no kind {name!r} to judge here; {nearest(name, kinds)}")
