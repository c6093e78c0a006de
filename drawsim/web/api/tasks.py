"""Queries: the next one, one by its id, its candidates, and how long it is held."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query as Asked
from fastapi import Request

from drawsim.collection.kinds import Kind
from drawsim.web.api import routing
from drawsim.web.api.groups import group_of
from drawsim.web.api.requests import NextRequest, QueryRequest
from drawsim.web.api.responses import (
    CandidateResponse,
    FoundResponse,
    ItemResponse,
    LeaseResponse,
    NextResponse,
    PairBoxes,
    ProgressResponse,
    TaskResponse,
)
from drawsim.web.api.routing import ById, refusals
from drawsim.web.queue.finder import other
from drawsim.web.queue.queue import Claim, Wish
from drawsim.web.review.originals import of_originals
from drawsim.web.security.access import Checked, CurrentUser
from drawsim.web.security.accounts import Session
from drawsim.web.services import Services, services_of

asking = routing.asking()
changing = routing.changing()


@changing.post("/api/next", responses=refusals(404))
def next_task(request: Request, session: Checked, wanted: NextRequest) -> NextResponse:
    """The next query in the wished order, which nobody else gets meanwhile."""
    services = services_of(request)
    if wanted.order == "likely":
        services.finder.check_likely(wanted.kind)
    wish = Wish(wanted.kind, wanted.order, wanted.where)
    claim = services.queue.claim(session.user, wish)
    return NextResponse(task=None if claim is None else _task(services, session, claim))


@asking.get("/api/task", responses=refusals(404))
def task(request: Request, session: CurrentUser, kind: Kind, name: ById) -> TaskResponse:
    """A query that is opened by its id, whoever else has it."""
    services = services_of(request)
    services.finder.item(kind, name)
    return _task(services, session, services.queue.take(session.user, kind, name))


@changing.post("/api/renew", responses=refusals(404))
def renew(request: Request, session: Checked, query: QueryRequest) -> LeaseResponse:
    """Keep a query for longer."""
    services = services_of(request)
    services.finder.item(query.kind, query.id)
    return LeaseResponse(held=services.queue.renew(session.user, query.kind, query.id))


@changing.post("/api/release", responses=refusals(404))
def release(request: Request, session: Checked, query: QueryRequest) -> LeaseResponse:
    """Give a query back without an answer."""
    services = services_of(request)
    services.finder.item(query.kind, query.id)
    services.queue.release(session.user, query.kind, query.id)
    return LeaseResponse(held=False)


@asking.get("/api/candidates", responses=refusals(404))
def candidates(
    request: Request,
    kind: Kind,
    name: ById,
    start: Annotated[int, Asked(ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Asked(ge=1, le=200)] = 20,
) -> FoundResponse:
    """Candidates of a query from place `start` (from 0) on; none after the last."""
    return FoundResponse.of(services_of(request).finder.candidates(kind, name, start, count))


def _task(services: Services, session: Session, claim: Claim) -> TaskResponse:
    """A query as the page needs it: all that this user knows and decided about it."""
    finder, store, kind, name = services.finder, services.store, claim.kind, claim.id
    # What was said of style copies, which earlier versions queued, was said of their originals.
    names = services.queue.names(kind, name)
    grades, notes, boxes, answers = (
        of_originals(told(kind, names, session.user), services.collection)
        for told in (store.judgements, store.notes, store.boxes, store.answers)
    )
    partner = f"{other(kind)}_id"
    noted = dict(zip(notes[partner], notes["note"], strict=True))
    found = finder.candidates(kind, name, 0, services.settings.k)
    said = services.labels.now()
    boxed = zip(boxes[partner], boxes["drawing_box"], boxes["artwork_box"], strict=True)
    return TaskResponse(
        kind=kind,
        id=name,
        audit=claim.audit,
        item=ItemResponse.model_validate(finder.item(kind, name)),
        candidates=CandidateResponse.list_of(found),
        fault=found.fault,
        total=finder.count(kind),
        k=services.settings.k,
        judgements=dict(zip(grades[partner], grades["grade"], strict=True)),
        notes={partner: note for partner, note in noted.items() if partner is not None},
        boxes={p: PairBoxes(drawing_box=d, artwork_box=a) for p, d, a in boxed},
        note=noted.get(None, ""),
        answer=answers["answer"].iloc[0] if len(answers) else None,
        name=said.names.get(name, "") if kind == "drawing" else "",
        tags=list(said.own.get(name, ())) if kind == "drawing" else [],
        group=group_of(services, said, name) if kind == "drawing" else None,
        progress=ProgressResponse.of(services.queue, session.user, kind),
    )
