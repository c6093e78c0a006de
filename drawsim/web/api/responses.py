"""What the API answers, as OpenAPI tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from typing_extensions import Self

from drawsim.collection.grades import Grade
from drawsim.collection.kinds import Kind
from drawsim.collection.rights import Use
from drawsim.web.api.fields import BoxFractions
from drawsim.web.events.drafts import Action
from drawsim.web.events.store import Event
from drawsim.web.queue.finder import Ranked
from drawsim.web.queue.queue import Queue


class ResponseBody(BaseModel):
    """What is answered; read from the attributes of an object."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def list_of(cls, found: Iterable[object]) -> list[Self]:
        """The same of several objects."""
        return [cls.model_validate(each) for each in found]


class ErrorResponse(ResponseBody):
    """What went wrong, in one line for people."""

    error: str


class RightsResponse(ResponseBody):
    """What may be done with a picture: a licence in words and its address, what must be said with
    it, where its museum says more, and whether it may be published; empty where nothing is said."""

    label: str
    address: str
    statement: str
    homepage: str
    use: Use


class ItemResponse(ResponseBody):
    """A drawing or an artwork, and what is known about it."""

    kind: Kind
    id: str
    title: str
    artist: str
    details: Mapping[str, str]
    rights: RightsResponse
    width: int | None
    height: int | None


class ChanceResponse(ResponseBody):
    """A probability, 0..1, and its 95 % interval."""

    probability: float
    low: float
    high: float


class CandidateResponse(ResponseBody):
    """An image that was found. known: a confirmed pair of the collection.

    above: the share, 0..1, of other queries of its kind whose best candidate, leaving out their
    own, scores lower; null where the index cannot say. chance: how likely it is a true match; known
    of the first candidate of a drawing alone, if the index is calibrated.
    """

    kind: Kind
    id: str
    rank: int
    score: float | None
    above: float | None
    chance: ChanceResponse | None
    title: str
    artist: str
    details: Mapping[str, str]
    rights: RightsResponse
    known: bool


class FoundResponse(ResponseBody):
    """Candidates, best first.

    fault: why they are not re-ranked though the model would; empty: nothing is wrong.
    """

    candidates: list[CandidateResponse]
    fault: str

    @classmethod
    def of(cls, found: Ranked) -> FoundResponse:
        """As the finder has them."""
        return cls(candidates=CandidateResponse.list_of(found), fault=found.fault)


class ProgressResponse(ResponseBody):
    """Queries of a kind: answered by this user, by anyone, and all there are."""

    mine: int
    answered: int
    total: int

    @classmethod
    def of(cls, queue: Queue, user: str, kind: Kind) -> ProgressResponse:
        """As a queue tells it to a user."""
        return cls.model_validate(queue.tally(user, kind))


class PairBoxes(ResponseBody):
    """The regions of a pair that belong together, as fractions of the upright pictures."""

    drawing_box: BoxFractions | None
    artwork_box: BoxFractions | None


class GroupTagsResponse(ResponseBody):
    """A group: its key, its number for people, and what was said of it."""

    key: str
    number: str
    name: str
    tags: list[str]


class GroupGradeResponse(ResponseBody):
    """How many drawings were graded now."""

    saved: int


class TaskResponse(FoundResponse):
    """A query with its first candidates, and what this user decided about them so far.

    total: of candidates. judgements, notes, boxes: by the candidate's id. note: of the query.
    name, tags: of a drawing, whoever gave them. group: that it is in.
    """

    kind: Kind
    id: str
    audit: bool
    item: ItemResponse
    total: int
    k: int
    judgements: dict[str, Grade]
    notes: dict[str, str]
    boxes: dict[str, PairBoxes]
    note: str
    answer: Literal["done", "none", "skip"] | None
    name: str
    tags: list[str]
    group: GroupTagsResponse | None
    progress: ProgressResponse


class NextResponse(ResponseBody):
    """The next query; null: nothing is left."""

    task: TaskResponse | None


class LeaseResponse(ResponseBody):
    """Whether the query is still this user's; after a release it is not."""

    held: bool


class EventsResponse(ResponseBody):
    """Keys that were saved now, and keys that had been saved before."""

    saved: list[str]
    known: list[str]
    progress: ProgressResponse


class EventResponse(ResponseBody):
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
    drawing_box: BoxFractions | None
    artwork_box: BoxFractions | None
    rank: int | None
    score: float | None
    shown: int | None
    seconds: float | None
    label: str
    group_id: str | None
    batch: str | None

    @classmethod
    def of(cls, event: Event) -> EventResponse:
        """The parts of an event that a page shows."""
        own = ("id", "at", "annotator")
        return cls(
            **{name: getattr(event, name) for name in own},
            **{name: getattr(event.draft, name) for name in cls.model_fields if name not in own},
        )


class UndoResponse(ResponseBody):
    """What was taken back; null: nothing was left."""

    undone: EventResponse | None
