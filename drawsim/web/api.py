"""What the pages ask for while people work: queries, events, searches, pictures, exports.

Everything but pictures is JSON; an error is `{"error": "one line"}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, Response, UploadFile
from fastapi import Query as Asked

from drawsim.common.errors import UserError
from drawsim.web.events.drafts import ANSWERING, Box, Draft, Kind
from drawsim.web.pictures import NoPicture, Picture, cut
from drawsim.web.queue.finder import Candidate, Item, other
from drawsim.web.queue.queue import Claim, Wish
from drawsim.web.review.export import pairs_csv, unmatched_csv
from drawsim.web.review.web_annotations import annotations_text
from drawsim.web.schemas import (
    BoxGiven,
    CandidateTold,
    Error,
    EventsGiven,
    EventsTold,
    EventTold,
    Id,
    ItemTold,
    LeaseTold,
    NextTold,
    NextWanted,
    PairBoxes,
    ProgressTold,
    Query,
    Share,
    TaskTold,
    UndoGiven,
    UndoTold,
    WordsGiven,
)
from drawsim.web.security.access import (
    UPLOAD_LIMIT,
    Checked,
    CurrentUser,
    checked_csrf,
    current_user,
    reviewer,
)
from drawsim.web.security.accounts import Session
from drawsim.web.services import Services, services_of

FOUND = 40
"""Candidates for a picture or a part of one."""
SOME_TEXTS = 60
"""Images found by words."""
KEPT_BY_BROWSERS = "private, no-cache"
"""Browsers keep pictures, and ask each time whether they are still the same."""


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
        503: "The database does not answer.",
    }
    return {code: {"model": Error, "description": meaning[code]} for code in (*codes, 503)}


def download(media_type: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI tells a file."""
    return {200: {"content": {media_type: {}}, "description": "The file."}}


asking = APIRouter(dependencies=[Depends(current_user)], responses=refusals(401, 403, 422))
changing = APIRouter(
    dependencies=[Depends(checked_csrf)], responses=refusals(400, 401, 403, 413, 422)
)
exporting = APIRouter(
    prefix="/export", dependencies=[Depends(reviewer)], responses=refusals(401, 403)
)


# Queries


@changing.post("/api/next", responses=refusals(404))
def next_task(request: Request, session: Checked, wanted: NextWanted) -> NextTold:
    """The next query in the wished order, which nobody else gets meanwhile."""
    services = services_of(request)
    wish = Wish(wanted.kind, wanted.order, wanted.where)
    claim = services.queue.claim(session.user, wish)
    return NextTold(task=None if claim is None else _task(services, session, claim))


@asking.get("/api/task", responses=refusals(404))
def task(request: Request, session: CurrentUser, kind: Kind, name: ById) -> TaskTold:
    """A query that is opened by its id, whoever else has it."""
    services = services_of(request)
    services.finder.item(kind, name)
    return _task(services, session, services.queue.take(session.user, kind, name))


@changing.post("/api/renew", responses=refusals(404))
def renew(request: Request, session: Checked, query: Query) -> LeaseTold:
    """Keep a query for longer."""
    services = services_of(request)
    services.finder.item(query.kind, query.id)
    return LeaseTold(held=services.queue.renew(session.user, query.kind, query.id))


@changing.post("/api/release", responses=refusals(404))
def release(request: Request, session: Checked, query: Query) -> LeaseTold:
    """Give a query back without an answer."""
    services = services_of(request)
    services.finder.item(query.kind, query.id)
    services.queue.release(session.user, query.kind, query.id)
    return LeaseTold(held=False)


@asking.get("/api/candidates", responses=refusals(404))
def candidates(
    request: Request,
    kind: Kind,
    name: ById,
    start: Annotated[int, Asked(ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Asked(ge=1, le=200)] = 20,
) -> list[CandidateTold]:
    """Candidates of a query from place `start` (from 0) on; none after the last."""
    return _told(services_of(request).finder.candidates(kind, name, start, count))


def _task(services: Services, session: Session, claim: Claim) -> TaskTold:
    """A query as the page needs it: all that this user knows and decided about it."""
    finder, store, kind, name = services.finder, services.store, claim.kind, claim.id
    grades = store.judgements(kind, name, session.user)
    notes = store.notes(kind, name, session.user)
    boxes = store.boxes(kind, name, session.user)
    answers = store.answers(kind, name, session.user)
    partner = f"{other(kind)}_id"
    noted = dict(zip(notes[partner], notes["note"], strict=True))
    boxed = zip(boxes[partner], boxes["drawing_box"], boxes["artwork_box"], strict=True)
    return TaskTold(
        kind=kind,
        id=name,
        audit=claim.audit,
        item=ItemTold.model_validate(finder.item(kind, name)),
        candidates=_told(finder.candidates(kind, name, 0, services.settings.k)),
        total=finder.count(kind),
        k=services.settings.k,
        judgements=dict(zip(grades[partner], grades["grade"], strict=True)),
        notes={partner: note for partner, note in noted.items() if partner is not None},
        boxes={p: PairBoxes(drawing_box=d, artwork_box=a) for p, d, a in boxed},
        note=noted.get(None, ""),
        answer=answers["answer"].iloc[0] if len(answers) else None,
        progress=_progress(services, session, kind),
    )


def _told(found: Sequence[Candidate]) -> list[CandidateTold]:
    return [CandidateTold.model_validate(each) for each in found]


def _items(found: Sequence[Item]) -> list[ItemTold]:
    return [ItemTold.model_validate(each) for each in found]


# Events


@changing.post("/api/events")
def events(request: Request, session: Checked, given: EventsGiven) -> EventsTold:
    """Save what was done, in one transaction; what was saved before is not saved again."""
    services = services_of(request)
    drafts = [each.draft() for each in given.events]
    for draft in drafts:
        _check(services, session, draft)
    saved = services.store.save(session.user, drafts, services.finder.made_with)
    for draft in drafts:
        if draft.action in ANSWERING:
            services.queue.release(session.user, draft.kind, draft.query_id)
    known = [draft.key for draft in drafts if draft.key not in set(saved)]
    progress = _progress(services, session, drafts[-1].kind)
    return EventsTold(saved=saved, known=list(dict.fromkeys(known)), progress=progress)


@changing.post("/api/undo")
def undo(request: Request, session: Checked, given: UndoGiven) -> UndoTold:
    """Take back the latest thing that this user did and that still counts."""
    services = services_of(request)
    event = services.store.undo(session.user, given.key, services.finder.made_with)
    return UndoTold(undone=None if event is None else EventTold.of(event))


def _check(services: Services, session: Session, draft: Draft) -> None:
    """Refuse what names unknown images, and what only reviewers decide."""
    if draft.action == "adjudicate" and session.role != "reviewer":
        raise HTTPException(403, "only reviewers may adjudicate")
    collection = services.collection
    found = collection.artworks if draft.kind == "drawing" else collection.drawings
    named = [("drawing", draft.drawing_id, collection.drawings)]
    named += [("artwork", draft.artwork_id, collection.artworks)]
    named += [("candidate", name, found) for name in draft.shown_ids]
    for what, name, table in named:
        if name is not None and name not in table.index:
            raise UserError(f"event {draft.key}: no {what} {name!r} in the collection")


def _progress(services: Services, session: Session, kind: Kind) -> ProgressTold:
    return ProgressTold.model_validate(services.queue.tally(session.user, kind))


# Searches


@changing.post("/api/find/text")
def find_text(request: Request, given: WordsGiven) -> list[ItemTold]:
    """Images of a kind in whose id or metadata all words occur."""
    return _items(services_of(request).finder.by_text(given.kind, given.text, SOME_TEXTS))


@changing.post("/api/find/image")
def find_image(
    request: Request,
    file: Annotated[UploadFile, File(description="a picture, at most 20 MB")],
    kind: Annotated[Kind, Form(description="of the picture")],
    x: Annotated[Share, Form()] = 0.0,
    y: Annotated[Share, Form()] = 0.0,
    width: Annotated[Share, Form()] = 1.0,
    height: Annotated[Share, Form()] = 1.0,
) -> list[CandidateTold]:
    """Candidates for an uploaded picture, or for the part of it that the fractions name."""
    services = services_of(request)
    data = file.file.read(UPLOAD_LIMIT + 1)
    if len(data) > UPLOAD_LIMIT:
        raise HTTPException(413, f"the picture is too large: at most {UPLOAD_LIMIT / 1e6:.0f} MB")
    box = _box((x, y, width, height))
    pixels = cut(services.pictures.upload(data), box)
    return _told(services.finder.by_pixels(pixels, kind, FOUND))


@changing.post("/api/find/box", responses=refusals(404))
def find_box(request: Request, given: BoxGiven) -> list[CandidateTold]:
    """Candidates for a part of a picture of the index."""
    services = services_of(request)
    services.finder.item(given.kind, given.id)
    pixels = cut(services.pictures.pixels(given.kind, given.id), _box(given.box))
    return _told(services.finder.by_pixels(pixels, given.kind, FOUND))


def _box(box: Box) -> Box:
    """A box that is inside its picture. Raises UserError for any other."""
    x, y, width, height = box
    if not (width > 0 and height > 0 and x + width <= 1 + 1e-6 and y + height <= 1 + 1e-6):
        raise UserError("the box must have a width and a height, and lie inside the picture")
    return box


# Pictures


@asking.get(
    "/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}, "image/jpeg": {}}, "description": "The picture."},
        304: {"description": "The browser has it."},
        **refusals(404),
    },
)
def picture(
    request: Request,
    kind: Kind,
    name: ById,
    size: Annotated[Literal["thumb", "full"], Asked()] = "thumb",
) -> Response:
    """A picture by kind and id: WebP of at most 320 pixels, or JPEG of at most 1600."""
    pictures = services_of(request).pictures
    etag = pictures.etag(kind, name, size)
    if _has(request, etag):
        return _unchanged(etag)
    return _shown(pictures.small(kind, name) if size == "thumb" else pictures.large(kind, name))


@asking.get(
    "/overlay",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture."},
        304: {"description": "The browser has it."},
        **refusals(404),
    },
)
def overlay(
    request: Request, drawing: Annotated[Id, Asked()], artwork: Annotated[Id, Asked()]
) -> Response:
    """Drawing and artwork side by side with the parts of one layout that both share."""
    services = services_of(request)
    lens, index = services.finder.lens, services.finder.made_with.index_sha256
    if lens is None:
        raise NoPicture("there is no overlay: the index does not say its model")
    made = services.pictures.overlay(drawing, artwork, index, lens.overlay)
    if made is None:
        raise NoPicture("the two have no common layout")
    return _unchanged(made.etag) if _has(request, made.etag) else _shown(made)


def _has(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "").split(",")
    return f'"{etag}"' in (each.strip().removeprefix("W/") for each in known)


def _unchanged(etag: str) -> Response:
    headers = {"ETag": f'"{etag}"', "Cache-Control": KEPT_BY_BROWSERS}
    return Response(status_code=304, headers=headers)


def _shown(made: Picture) -> Response:
    headers = {"ETag": f'"{made.etag}"', "Cache-Control": KEPT_BY_BROWSERS}
    return Response(made.data, headers=headers, media_type=made.media_type)


# Exports


@exporting.get("/pairs.csv", response_class=Response, responses=download("text/csv"))
def pairs_table(request: Request) -> Response:
    """The collection's pairs.csv with what was judged."""
    services = services_of(request)
    confirmed = services.settings.confirmed
    return _file(pairs_csv(services.store, services.collection, confirmed), "pairs.csv")


@exporting.get("/unmatched.csv", response_class=Response, responses=download("text/csv"))
def drawings_without_a_match(request: Request) -> Response:
    """Drawings in which nobody saw an artwork."""
    services = services_of(request)
    confirmed = services.settings.confirmed
    return _file(unmatched_csv(services.store, services.collection, confirmed), "unmatched.csv")


@exporting.get(
    "/annotations.jsonld", response_class=Response, responses=download("application/ld+json")
)
def web_annotations(request: Request) -> Response:
    """All grades as W3C Web Annotations."""
    return _file(annotations_text(services_of(request).store), "annotations.jsonld")


def _file(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    media_type = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/ld+json"
    return Response(text, headers=headers, media_type=media_type)
