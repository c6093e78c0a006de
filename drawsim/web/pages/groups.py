"""The pages of groups: all of them, and one whose drawings are judged at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from drawsim.collection.grades import GRADES
from drawsim.collection.kinds import Kind
from drawsim.web.api.groups import groups_of
from drawsim.web.pages import wording
from drawsim.web.pages.rendering import render
from drawsim.web.pages.review import picture
from drawsim.web.queue.group_queue import GroupState
from drawsim.web.queue.groups import Group
from drawsim.web.queue.items import folded
from drawsim.web.queue.labels import Said
from drawsim.web.queue.steering import fitting, steered
from drawsim.web.security.access import CurrentUser
from drawsim.web.services import Services, services_of

router = APIRouter(include_in_schema=False)

Order = Literal["size", "stability", "name", "tag"]
ORDERS: dict[Order, str] = {
    "size": "largest first",
    "stability": "most stable first",
    "name": "by name, those without one last",
    "tag": "by tag, those without one last",
}
PAGE = 48
"""Groups on one page."""
SHOWN = 4
"""Pictures of a group among others."""
NEAR = 24
"""Artworks that are offered for a group."""
TRIED = 100
"""Tags, the most used, of which those that fit a group are offered, where words are known."""
LIKE = 100
"""Drawings of a group, those most like the rest, whose mean looks for artworks."""


@dataclass(frozen=True)
class Row:
    """A group in the list. shown: its first drawings; size: without those that were removed."""

    group: Group
    name: str
    tags: Sequence[str]
    size: int
    shown: Sequence[str]
    done_by: str


@router.get("/groups")
def groups(
    request: Request,
    session: CurrentUser,
    order: Order = "size",
    tag: Annotated[str, Query(max_length=500)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    left: str = "",
) -> Response:
    """All groups, or those with a tag. left: "none" where nothing was left to judge."""
    services = services_of(request)
    rows: list[Row] = []
    total = done = 0
    problem = ""
    if services.groups is not None:
        state, said = services.groups.state(session.user), services.labels.now()
        every = services.groups.groups.every
        total, done = len(every), sum(group.key in state.done for group in every)
        rows = [_row(group, said, state) for group in every]
        rows = sorted((row for row in rows if not tag or tag in row.tags), key=_key(order))
        if tag and not rows:
            problem = f"No group has the tag “{tag}”."
    pages = max(1, -(-len(rows) // PAGE))
    page = min(page, pages)
    return render(
        request,
        "groups.html.j2",
        session=session,
        active="groups",
        rows=rows[(page - 1) * PAGE : page * PAGE],
        total=total,
        done=done,
        order=order,
        orders=ORDERS,
        tag=tag,
        problem=problem,
        page=page,
        pages=pages,
        finished=left == "none",
        picture=picture,
        wording=wording,
    )


def _row(group: Group, said: Said, state: GroupState) -> Row:
    left = _left(group, said)
    return Row(
        group,
        said.group_names.get(group.key, ""),
        said.group_tags.get(group.key, ()),
        len(left),
        left[:SHOWN],
        state.done.get(group.key, ""),
    )


def _left(group: Group, said: Said) -> list[str]:
    """The drawings of a group that were not removed."""
    removed = said.removed.get(group.key, frozenset())
    return [name for name in group.members if name not in removed]


def _key(order: Order) -> Any:
    """What the list is sorted by; of equals, the order of `motifs.json` stays."""
    return {
        "size": lambda row: -row.size,
        "stability": lambda row: -row.group.stability,
        "name": lambda row: (not row.name, folded(row.name)),
        "tag": lambda row: (not row.tags, folded(row.tags[0]) if row.tags else ""),
    }[order]


@router.get("/group")
def group(
    request: Request, session: CurrentUser, key: Annotated[str, Query(alias="id")] = ""
) -> Response:
    """One group, by its key; without, the way to the next that is this user's to judge.

    Raises NoSuchGroup.
    """
    services = services_of(request)
    known = groups_of(services)
    assert services.groups is not None  # or it was said that there are none
    if not key:
        found = services.groups.claim(session.user)
        way = "/groups?left=none" if found is None else f"/group?{urlencode({'id': found.key})}"
        return RedirectResponse(way, 303)
    own = services.groups.take(session.user, key)
    said = services.labels.now()
    name = said.group_names.get(key, "")
    return render(
        request,
        "group.html.j2",
        session=session,
        active="groups",
        group=own,
        name=name,
        total=len(known.every),
        done_by=services.groups.state(session.user).done.get(key, ""),
        told=json.dumps(_told(services, session.user, own, said) | {"name": name}),
        wording=wording,
    )


def _told(services: Services, user: str, group: Group, said: Said) -> dict[str, Any]:
    """What the script of the page works with."""
    finder, left = services.finder, _left(group, said)
    like = (left or list(group.members))[:LIKE]
    images: list[tuple[Kind, str]] = [("drawing", name) for name in like]
    near = steered(finder, "artwork", images, count=NEAR)
    most_used = sorted(said.counts, key=lambda tag: -said.counts[tag])[:TRIED]
    graded = services.store.judgements("drawing", left) if left else services.store.judgements()[:0]
    mine = graded[graded["annotator"] == user]
    whole = Counter(zip(mine["artwork_id"], mine["grade"], strict=True))
    pairs = graded.drop_duplicates(["drawing_id", "artwork_id", "grade"])
    links = Counter(zip(pairs["artwork_id"], pairs["grade"], strict=True))
    listed = services.finder.tables["artwork"].index
    return {
        "key": group.key,
        "number": group.number,
        "medoid": group.medoid,
        "members": [asdict(finder.item("drawing", name)) for name in group.members],
        "removed": sorted(said.removed.get(group.key, ())),
        "tags": list(said.group_tags.get(group.key, ())),
        "fitting": fitting(finder, images, most_used),
        "near": [asdict(each) for each in near],
        "grades": {artwork: grade for (artwork, grade), n in whole.items() if n == len(left)},
        "links": [
            asdict(finder.item("artwork", artwork)) | {"grade": grade, "count": count}
            for (artwork, grade), count in sorted(
                links.items(), key=lambda each: (-each[1], GRADES.index(each[0][1]))
            )
            if artwork in listed and (count > 1 or len(left) == 1)
        ],
    }
