"""What an annotator does, before it is saved: the words for it, and what makes sense."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

from drawsim.collection.grades import GRADES, Grade
from drawsim.collection.kinds import KINDS, Kind
from drawsim.common.errors import UserError, nearest
from drawsim.web.events.labels import name_problem, tag_problem

Action = Literal[
    "grade",
    "clear",
    "note",
    "box",
    "done",
    "none",
    "skip",
    "undo",
    "adjudicate",
    "tag",
    "untag",
    "name",
    "remove",
    "restore",
]
Box = tuple[float, float, float, float]
"""x and y of the upper left corner, width and height, as fractions of the upright picture."""

ACTIONS: tuple[Action, ...] = get_args(Action)
ANSWERING = ("done", "none", "skip")
"""How a query is left."""
OF_PAIRS = ("grade", "clear", "box", "adjudicate")
"""What is done to a drawing and an artwork together."""
LABELLING: tuple[Action, ...] = ("tag", "untag", "name")
"""What is said of a drawing or of a group in a few words."""
OF_MEMBERS: tuple[Action, ...] = ("remove", "restore")
"""What is done to a drawing of a group."""
OF_GROUPS = (*LABELLING, *OF_MEMBERS, "grade", "clear", "done", "skip", "undo")
"""What can be done to a group, or to its drawings because they are in it."""
NOTE_LENGTH = 10_000
"""The longest note, in characters."""
_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_LARGEST = 2**31 - 1
_SLACK = 1e-6
"""What rounding may add to the edge of a box."""


@dataclass(frozen=True)
class MadeWith:
    """What ranked the candidates: the model's name, for people, and the hash of the index."""

    model: str
    index_sha256: str


@dataclass(frozen=True)
class Draft:
    """What an annotator does, before it is saved.

    key: made by the client, 8 to 64 of A-Z, a-z, 0-9 and -; the same key is saved once.
    action: grade gives the pair a grade, clear takes it away; note (empty: none) is of a pair, or
        of the query where only its id is given; box sets both boxes of a pair (None: no box);
        done, none and skip leave the query; adjudicate is a reviewer's last word on a pair.
    kind: what the query is; its id is always given, the other one with what is done to a pair.
    note: what is noted along with a grade, an answer or an adjudication; empty: nothing new.
    rank, score: of the candidate, as shown. shown: how many candidates were shown by then.
    shown_ids: of done, none and skip: the candidates that were seen, best first.
    seconds: time spent on the query so far. audit: the query belongs to the audit slice.
    label: of tag and untag, the tag; of name, the name (empty: none any more).
    group_id: the group that is tagged, named, left with done or skip, that a drawing is removed
        from or restored to, or whose drawings were graded together. The drawing is then that
        member, or else the one that stands for the group.
    batch: what events have in common that one press made: one undo takes all of them back.

    Raises UserError for anything that does not fit together.
    """

    key: str
    action: Action
    kind: Kind
    drawing_id: str | None = None
    artwork_id: str | None = None
    grade: Grade | None = None
    note: str = ""
    drawing_box: Box | None = None
    artwork_box: Box | None = None
    rank: int | None = None
    score: float | None = None
    shown: int | None = None
    shown_ids: tuple[str, ...] = ()
    seconds: float | None = None
    audit: bool = False
    label: str = ""
    group_id: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        problem = _first_problem(self)
        if problem:
            raise UserError(f"event {self.key!r}: {problem}")

    @property
    def query_id(self) -> str:
        """The id of the picture that was judged from."""
        return str(self.drawing_id if self.kind == "drawing" else self.artwork_id)


def _first_problem(draft: Draft) -> str:
    """What is wrong with a draft first; nothing if it is sound."""
    if not _KEY.fullmatch(draft.key):
        return "the key must be 8 to 64 letters A-Z, a-z, digits or -"
    for name, value, valid in (
        ("action", draft.action, ACTIONS),
        ("kind", draft.kind, KINDS),
        ("grade", draft.grade, (*GRADES, None)),
    ):
        if value not in valid:
            return f"no {name} is {value!r}, {nearest(str(value), map(str, filter(None, valid)))}"
    if draft.batch is not None and not _KEY.fullmatch(draft.batch):
        return "a batch has a name like a key"
    texts = (draft.drawing_id, draft.artwork_id, draft.group_id, *draft.shown_ids)
    if any(not text or not _storable(text) for text in texts if text is not None):
        return "an id must not be empty, nor hold NUL or half a character"
    if not _storable(draft.note) or len(draft.note) > NOTE_LENGTH:
        return f"a note is at most {NOTE_LENGTH} characters, without NUL or half a character"
    return _misfit(draft) or _bad_label(draft) or _bad_number(draft)


def _bad_label(draft: Draft) -> str:
    """What is wrong with a tag or a name, or that there is one where it has no place."""
    if draft.action in ("tag", "untag"):
        return tag_problem(draft.label)
    if draft.action == "name":
        return name_problem(draft.label)
    return "a tag or a name comes with tag, untag and name alone" if draft.label else ""


def _storable(text: str) -> bool:
    """Whether a text is Unicode that every database keeps."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _misfit(draft: Draft) -> str:
    """What an action lacks, or has although it is not its own."""
    own, other = draft.drawing_id, draft.artwork_id
    if draft.kind == "artwork":
        own, other = other, own
    paired = draft.action in OF_PAIRS
    of_things = draft.action in (*LABELLING, *OF_MEMBERS)
    rules = (
        (own is None, f"the id of the {draft.kind} it is about is missing"),
        (paired and other is None, f"{draft.action} needs both the drawing and the artwork"),
        (draft.action in ANSWERING and other is not None, f"{draft.action} is of the query alone"),
        (
            of_things and (draft.kind != "drawing" or other is not None),
            f"{draft.action} is of a drawing or of a group, and of nothing else",
        ),
        (draft.action in OF_MEMBERS and draft.group_id is None, f"{draft.action} needs the group"),
        (
            draft.group_id is not None
            and (draft.kind != "drawing" or draft.action not in OF_GROUPS),
            f"{draft.action} is not done to a group",
        ),
        (
            draft.batch is not None and draft.action not in ("grade", "clear", "undo"),
            "a batch is of grade and clear",
        ),
        (
            (draft.grade is not None) != (draft.action in ("grade", "adjudicate")),
            "a grade comes with grade and adjudicate, and with nothing else",
        ),
        (
            draft.action != "box" and (draft.drawing_box or draft.artwork_box) is not None,
            "boxes come with box, and with nothing else",
        ),
        (
            bool(draft.note) and (draft.action in ("clear", "box", "undo") or of_things),
            f"{draft.action} takes no note; send one of its own",
        ),
        (
            other is None and (draft.rank is not None or draft.score is not None),
            "rank and score are those of a candidate, and none is named",
        ),
        (
            bool(draft.shown_ids) and draft.action not in ANSWERING,
            "the candidates that were seen come with done, none and skip, and with nothing else",
        ),
    )
    return next((problem for broken, problem in rules if broken), "")


def _bad_number(draft: Draft) -> str:
    """What is wrong with the first number outside its bounds."""
    for name, value, least in (
        ("rank", draft.rank, 1),
        ("shown", draft.shown, 0),
        ("seconds", draft.seconds, 0),
        ("score", draft.score, -_LARGEST),
    ):
        if value is not None and not (math.isfinite(value) and least <= value <= _LARGEST):
            return f"{name} is {value}; it must be a number from {least} to {_LARGEST}"
    for box in (draft.drawing_box, draft.artwork_box):
        if box is not None and not _inside(box):
            return f"the box {box} is not (x, y, width, height) within the picture, each 0 to 1"
    return ""


def _inside(box: Box) -> bool:
    if len(box) != 4 or not all(math.isfinite(part) for part in box):
        return False
    x, y, width, height = box
    return (
        min(x, y) >= 0
        and min(width, height) > 0
        and x + width <= 1 + _SLACK
        and y + height <= 1 + _SLACK
    )
