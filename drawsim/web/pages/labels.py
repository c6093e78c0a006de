"""The page of tags: all that there are, and the drawings and groups that have one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from drawsim.web.pages import wording
from drawsim.web.pages.rendering import render
from drawsim.web.pages.review import item_of, picture
from drawsim.web.queue.items import folded
from drawsim.web.security.access import CurrentUser
from drawsim.web.services import services_of

router = APIRouter(include_in_schema=False)

Order = Literal["name", "count"]
ORDERS: dict[Order, str] = {"name": "by name", "count": "most used first"}
TAGS = 300
"""Tags on one page."""
DRAWINGS = 96
"""Drawings of a tag on one page."""


@router.get("/review/tags")
def tags(
    request: Request,
    session: CurrentUser,
    tag: Annotated[str, Query(max_length=500)] = "",
    text: Annotated[str, Query(max_length=500)] = "",
    order: Order = "name",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """All tags, or those with some letters in them; or what has the one that is named."""
    services = services_of(request)
    finder, said = services.finder, services.labels.now()
    listed = finder.tables["drawing"].index
    if tag:
        found = sorted(name for name in said.having(tag) if name in listed)
        size = DRAWINGS
    else:
        typed = folded(text.strip())
        some = [name for own, name in said.searched if typed in own]
        by_name = sorted(some, key=lambda name: (folded(name), name))
        found = by_name if order == "name" else sorted(by_name, key=lambda n: -said.counts[n])
        size = TAGS
    pages = max(1, -(-len(found) // size))
    page = min(page, pages)
    known = services.groups.groups.by_key if services.groups else {}
    return render(
        request,
        "tags.html.j2",
        session=session,
        active="review",
        tab="tags",
        tag=tag,
        text=text,
        order=order,
        orders=ORDERS,
        found=found[(page - 1) * size : page * size],
        total=len(found),
        page=page,
        pages=pages,
        any_tags=bool(said.counts),
        said=said,
        groups=[known[key] for key in said.groups_having(tag) if key in known],
        may_export=session.role == "reviewer",
        item=lambda kind, id: item_of(finder, kind, id),  # noqa: A006
        picture=picture,
        wording=wording,
    )
