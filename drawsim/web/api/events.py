"""What people do: saved, and taken back."""

from __future__ import annotations

from fastapi import HTTPException, Request

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.web.api import routing
from drawsim.web.api.groups import groups_of
from drawsim.web.api.requests import EventsRequest, UndoRequest
from drawsim.web.api.responses import (
    EventResponse,
    EventsResponse,
    ProgressResponse,
    UndoResponse,
)
from drawsim.web.api.routing import refusals
from drawsim.web.events.drafts import ANSWERING, Draft
from drawsim.web.queue.finder import other
from drawsim.web.security.access import Checked
from drawsim.web.security.accounts import Session
from drawsim.web.services import Services, services_of

changing = routing.changing()


@changing.post("/api/events", responses=refusals(404))
def events(request: Request, session: Checked, given: EventsRequest) -> EventsResponse:
    """Save what was done, in one transaction; what was saved before is not saved again."""
    services = services_of(request)
    drafts = [each.draft() for each in given.events]
    for draft in drafts:
        _check(services, session, draft)
    saved = services.store.save(session.user, drafts, services.finder.made_with)
    for draft in drafts:
        if draft.group_id is not None and draft.action in ANSWERING and services.groups:
            services.groups.release(session.user, draft.group_id)
        elif draft.action in ANSWERING:
            services.queue.release(session.user, draft.kind, draft.query_id)
    known = [draft.key for draft in drafts if draft.key not in set(saved)]
    progress = ProgressResponse.of(services.queue, session.user, drafts[-1].kind)
    return EventsResponse(saved=saved, known=list(dict.fromkeys(known)), progress=progress)


@changing.post("/api/undo")
def undo(request: Request, session: Checked, given: UndoRequest) -> UndoResponse:
    """Take back the latest thing that this user did and that still counts."""
    services = services_of(request)
    event = services.store.undo(session.user, given.key, services.finder.made_with)
    return UndoResponse(undone=None if event is None else EventResponse.of(event))


def _check(services: Services, session: Session, draft: Draft) -> None:
    """Refuse what names unknown images, and what only reviewers decide."""
    if draft.action == "adjudicate" and session.role != "reviewer":
        raise HTTPException(403, "only reviewers may adjudicate")
    if draft.group_id is not None:
        members = groups_of(services).get(draft.group_id).members
        if draft.drawing_id not in members:
            raise UserError(f"event {draft.key}: no drawing {draft.drawing_id!r} in the group")
    collection = services.collection

    def known(kind: Kind, name: str) -> bool:
        if kind == "artwork":
            return name in collection.artworks.index
        return collection.parents.get(name) == name  # no style copy

    named: list[tuple[str, Kind, str | None]] = [("drawing", "drawing", draft.drawing_id)]
    named += [("artwork", "artwork", draft.artwork_id)]
    named += [("candidate", other(draft.kind), name) for name in draft.shown_ids]
    for what, kind, name in named:
        if name is not None and not known(kind, name):
            raise UserError(f"event {draft.key}: no {what} {name!r} in the collection")
