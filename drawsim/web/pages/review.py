"""The pages that look back: progress and agreement, history, disagreements, confirmed pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from drawsim.collection.grades import GRADES, LINKING
from drawsim.collection.kinds import Kind
from drawsim.collection.rights import NOTHING
from drawsim.common.errors import UserError
from drawsim.web.events.drafts import Action
from drawsim.web.pages import wording
from drawsim.web.pages.rendering import render
from drawsim.web.queue.finder import Finder, NoSuchImage
from drawsim.web.queue.items import Item
from drawsim.web.review.export import pair_table
from drawsim.web.review.history import (
    LISTED,
    PAGE,
    Dispute,
    HistoryFilter,
    HistoryPage,
    disputes,
    graded_pairs,
    history_page,
)
from drawsim.web.review.originals import of_originals
from drawsim.web.security.access import CurrentUser
from drawsim.web.services import services_of

router = APIRouter(include_in_schema=False)

ACTIONS: dict[Action, str] = {
    "grade": "graded a pair",
    "clear": "took a grade away",
    "note": "wrote a note",
    "box": "drew a box",
    "done": "finished",
    "none": "found none",
    "skip": "skipped",
    "undo": "took back",
    "adjudicate": "settled",
    "tag": "tagged",
    "untag": "took a tag away",
    "name": "named",
    "remove": "took out of a group",
    "restore": "put back into a group",
}
"""What an annotator did, in words."""
NEARBY = 24
"""Disagreements whose pictures are listed below the one to be settled."""


@router.get("/progress")
def progress(request: Request, session: CurrentUser) -> HTMLResponse:
    """How far the work is, how far annotators agree, and how good the model is."""
    services = services_of(request)
    standing = services.standings.latest()
    return _page(
        request,
        "progress.html.j2",
        session=session,
        active="progress",
        kinds=services.queue.progress(),
        standing=standing,
        old=standing.event != services.store.newest(),
        grades=GRADES,
    )


@router.get("/review")
def history(
    request: Request, session: CurrentUser, wanted: Annotated[HistoryFilter, Depends()]
) -> HTMLResponse:
    """What was done, newest first, with filters."""
    services = services_of(request)
    page, problem = HistoryPage(), ""
    try:
        page = history_page(services.store, wanted)
    except UserError as error:
        problem = str(error)
    return _page(
        request,
        "review.html.j2",
        status=422 if problem else 200,
        session=session,
        active="review",
        tab="history",
        wanted=wanted,
        page=page,
        problem=problem,
        annotators=services.store.annotators(),
        actions=ACTIONS,
        grades=GRADES,
    )


@router.get("/review/disagreements")
def disagreements(
    request: Request,
    session: CurrentUser,
    drawing: str = "",
    artwork: str = "",
    settled: bool = False,
) -> HTMLResponse:
    """One pair that annotators see differently, to be settled, and the list of the others.

    drawing, artwork: the pair to be shown; otherwise the first. settled: of those that are.
    """
    services = services_of(request)
    store = services.store
    events = (store.judgements(), store.answers(), store.adjudications())
    judgements, answers, settlements = (of_originals(e, services.collection) for e in events)
    found = disputes(judgements, answers, settlements, services.settings.confirmed)
    listed = [dispute for dispute in found if (dispute.settled is not None) == settled]
    place = _place(listed, (drawing, artwork))
    first = place // NEARBY * NEARBY
    return _page(
        request,
        "disagreements.html.j2",
        session=session,
        active="review",
        tab="disagreements",
        listed=listed,
        place=place,
        nearby=listed[first : first + NEARBY],
        first=first,
        current=listed[place] if listed else None,
        address=lambda dispute: _address(dispute, settled),
        counts={settled: len(listed), not settled: len(found) - len(listed)},
        settled=settled,
        may_settle=session.role == "reviewer",
        grades=GRADES,
    )


def _place(listed: Sequence[Dispute], pair: tuple[str, str]) -> int:
    """Where a pair stands; the first that follows it, where it is gone; at the end, the first."""
    return next((place for place, each in enumerate(listed) if each.pair >= pair), 0)


def _address(dispute: Dispute, settled: bool) -> str:
    values = {"drawing": dispute.drawing_id, "artwork": dispute.artwork_id}
    return "/review/disagreements?" + urlencode(values | ({"settled": "true"} if settled else {}))


@router.get("/review/pairs")
def confirmed_pairs(
    request: Request,
    session: CurrentUser,
    grade: str = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Pictures of all pairs that people confirmed, or of those of one grade, or listed before."""
    services = services_of(request)
    table = pair_table(services.store, services.collection, services.settings.confirmed)
    table = table[table["drawing_id"] == table["parent"]]  # not the style copies, too
    grade = grade if grade in (*GRADES, LISTED) else ""
    pairs = graded_pairs(table, grade)
    judged = table["grade"] != ""
    pages = max(1, -(-len(pairs) // PAGE))
    page = min(page, pages)
    return _page(
        request,
        "confirmed_pairs.html.j2",
        session=session,
        active="review",
        tab="pairs",
        pairs=pairs[(page - 1) * PAGE : page * PAGE],
        total=len(pairs),
        page=page,
        pages=pages,
        grade=grade,
        unconfirmed=grade in LINKING and grade not in services.settings.confirmed,
        choices={
            "": "All confirmed",
            **dict(zip(GRADES, GRADES, strict=True)),
            LISTED: "Listed before",
        },
        listed=LISTED,
        counts={
            **table["grade"].value_counts().to_dict(),
            "": int((table["pair"] & judged).sum()),
            LISTED: int((table["pair"] & ~judged).sum()),
        },
        may_export=session.role == "reviewer",
    )


def _page(request: Request, name: str, **values: Any) -> HTMLResponse:
    """A page whose template has the words of numbers and pictures at hand."""
    finder = services_of(request).finder
    return render(
        request,
        name,
        wording=wording,
        item=lambda kind, id: item_of(finder, kind, id),  # noqa: A006
        picture=picture,
        **values,
    )


def picture(kind: Kind, id: str, size: str = "thumb") -> str:  # noqa: A002
    """The address of a picture."""
    return "/picture?" + urlencode({"kind": kind, "id": id, "size": size})


def item_of(finder: Finder, kind: Kind, id: str) -> Item:  # noqa: A002
    """What is known of an image; only its id where it is no longer in the index."""
    try:
        return finder.item(kind, id)
    except NoSuchImage:
        return Item(kind, id, id, "", {}, NOTHING)
