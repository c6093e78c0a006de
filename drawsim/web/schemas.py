"""What the API takes and gives, as OpenAPI tells it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from drawsim.web.events.drafts import Action, Draft, Grade, Kind
from drawsim.web.events.store import Event
from drawsim.web.queue.queue import Order

NO_NUL = r"^[^\x00]*$"
"""Databases do not take the character NUL."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
Note = Annotated[str, StringConstraints(max_length=10_000, pattern=NO_NUL)]
Words = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$", max_length=64)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
BoxShares = tuple[Share, Share, Share, Share]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Given(BaseModel):
    """What is sent; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Told(BaseModel):
    """What is answered; read from the attributes of an object."""

    model_config = ConfigDict(from_attributes=True)


class Error(Told):
    """What went wrong, in one line for people."""

    error: str


class ItemTold(Told):
    """A drawing or an artwork, and what is known about it."""

    kind: Kind
    id: str
    title: str
    artist: str
    details: Mapping[str, str]
    width: int | None
    height: int | None


class CandidateTold(Told):
    """An image that was found. known: a confirmed pair of the collection."""

    kind: Kind
    id: str
    rank: int
    score: float | None
    title: str
    artist: str
    details: Mapping[str, str]
    known: bool


class ProgressTold(Told):
    """Queries of a kind: answered by this user, by anyone, and all there are."""

    mine: int
    answered: int
    total: int


class PairBoxes(Told):
    """The regions of a pair that belong together, as fractions of the upright pictures."""

    drawing_box: BoxShares | None
    artwork_box: BoxShares | None


class TaskTold(Told):
    """A query with its first candidates, and what this user decided about them so far.

    total: of candidates. judgements, notes, boxes: by the candidate's id. note: of the query.
    """

    kind: Kind
    id: str
    audit: bool
    item: ItemTold
    candidates: list[CandidateTold]
    total: int
    k: int
    judgements: dict[str, Grade]
    notes: dict[str, str]
    boxes: dict[str, PairBoxes]
    note: str
    answer: Literal["done", "none", "skip"] | None
    progress: ProgressTold


class NextWanted(Given):
    """Which query comes next. where: a filter, such as year>=2010,country=FRA."""

    kind: Kind = "drawing"
    order: Order = "unjudged"
    where: Words = ""


class NextTold(Told):
    """The next query; null: nothing is left."""

    task: TaskTold | None


class Query(Given):
    """A query by its id."""

    kind: Kind
    id: Id


class LeaseTold(Told):
    """Whether the query is still this user's; after a release it is not."""

    held: bool


class DraftGiven(Given):
    """What an annotator did. The key is made by the client; the same key is saved once."""

    key: Key
    action: Action
    kind: Kind
    drawing_id: Id | None = None
    artwork_id: Id | None = None
    grade: Grade | None = None
    note: Note = ""
    drawing_box: BoxShares | None = None
    artwork_box: BoxShares | None = None
    rank: Count | None = None
    score: Number | None = None
    shown: Count | None = None
    shown_ids: Annotated[list[Id], Field(max_length=2000)] = []
    seconds: Seconds | None = None
    audit: bool = False

    def draft(self) -> Draft:
        """The same for the store. Raises UserError for what is inconsistent."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return Draft(**{**values, "shown_ids": tuple(self.shown_ids)})


class EventsGiven(Given):
    """What was done, in its order; all of it is saved or nothing."""

    events: Annotated[list[DraftGiven], Field(min_length=1, max_length=500)]


class EventsTold(Told):
    """Keys that were saved now, and keys that had been saved before."""

    saved: list[str]
    known: list[str]
    progress: ProgressTold


class UndoGiven(Given):
    """The key of the undo itself."""

    key: Key


class EventTold(Told):
    """An event as it is saved."""

    id: int
    at: datetime
    annotator: str
    key: str
    action: Action
    kind: Kind
    drawing_id: str | None
    artwork_id: str | None
    grade: Grade | None
    note: str
    drawing_box: BoxShares | None
    artwork_box: BoxShares | None
    rank: int | None
    score: float | None
    shown: int | None
    seconds: float | None

    @classmethod
    def of(cls, event: Event) -> EventTold:
        """The parts of an event that a page shows."""
        own = ("id", "at", "annotator")
        return cls(
            **{name: getattr(event, name) for name in own},
            **{name: getattr(event.draft, name) for name in cls.model_fields if name not in own},
        )


class UndoTold(Told):
    """What was taken back; null: nothing was left."""

    undone: EventTold | None


class WordsGiven(Given):
    """Words that must all occur in an id or in the metadata."""

    kind: Kind
    text: Words


class BoxGiven(Given):
    """A region of a picture: x, y, width, height as fractions of the upright picture."""

    kind: Kind
    id: Id
    box: BoxShares
