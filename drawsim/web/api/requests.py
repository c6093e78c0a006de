"""What the API takes, as OpenAPI tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drawsim.collection.grades import Grade
from drawsim.collection.kinds import Kind
from drawsim.web.api.fields import (
    BoxFractions,
    Count,
    Id,
    Key,
    Label,
    Note,
    Number,
    Seconds,
    Words,
)
from drawsim.web.events.drafts import Action, Draft
from drawsim.web.events.labels import tidy
from drawsim.web.queue.queue import Order


class RequestBody(BaseModel):
    """What is sent; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NextRequest(RequestBody):
    """Which query comes next. where: a filter, such as year>=2010,country=FRA."""

    kind: Kind = "drawing"
    order: Order = "unjudged"
    where: Words = ""


class QueryRequest(RequestBody):
    """A query by its id."""

    kind: Kind
    id: Id


class DraftRequest(RequestBody):
    """What an annotator did. The key is made by the client; the same key is saved once.

    label: a tag, or a name; spaces too many are taken out. group_id: the key of a group.
    """

    key: Key
    action: Action
    kind: Kind
    drawing_id: Id | None = None
    artwork_id: Id | None = None
    grade: Grade | None = None
    note: Note = ""
    drawing_box: BoxFractions | None = None
    artwork_box: BoxFractions | None = None
    rank: Count | None = None
    score: Number | None = None
    shown: Count | None = None
    shown_ids: Annotated[list[Id], Field(max_length=2000)] = []
    seconds: Seconds | None = None
    audit: bool = False
    label: Label = ""
    group_id: Id | None = None

    def draft(self) -> Draft:
        """The same for the store. Raises UserError for what is inconsistent."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return Draft(**{**values, "shown_ids": tuple(self.shown_ids), "label": tidy(self.label)})


class EventsRequest(RequestBody):
    """What was done, in its order; all of it is saved or nothing."""

    events: Annotated[list[DraftRequest], Field(min_length=1, max_length=500)]


class UndoRequest(RequestBody):
    """The key of the undo itself."""

    key: Key


class WordsRequest(RequestBody):
    """Words that must all occur in an id or in the metadata."""

    kind: Kind
    text: Words


class GroupGradeRequest(RequestBody):
    """A grade of all drawings of a group with an artwork; null: none any more. key: of the press,
    saved once."""

    key: Key
    group: Id
    artwork_id: Id
    grade: Grade | None


class SteerRequest(RequestBody):
    """Images of a kind that are like some images and unlike others, each a kind and an id.

    text: what they should show, in words; empty: nothing in particular.
    """

    kind: Kind
    like: Annotated[list[QueryRequest], Field(max_length=100)] = []
    unlike: Annotated[list[QueryRequest], Field(max_length=100)] = []
    text: Words = ""


class BoxRequest(RequestBody):
    """A region of a picture: x, y, width, height as fractions of the upright picture."""

    kind: Kind
    id: Id
    box: BoxFractions
