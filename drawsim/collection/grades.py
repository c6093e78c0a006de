"""What people say of a drawing and an artwork, and what it means: one entry for each grade.

Keys, buttons, colours, filters, the API, agreement, the export and training read it from here. A
new grade is a name in `Grade` and an entry in `GRADES`, both in this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["same work", "same motif", "style only", "different", "unsure"]
Training = Literal["pair", "negative", "neither"]


@dataclass(frozen=True)
class Meaning:
    """A grade.

    key: gives it on the pages; a small letter that no other key of theirs is. means: when to say
    it, for people. training: what a pair of this grade is there. colour: its name in the palette;
    as text or under text it has a contrast of 4.5 with the page. nearness: its place on the scale
    from nothing shared (0) to the very work; None: it has no place there.
    """

    name: Grade
    key: str
    means: str
    training: Training
    colour: str
    nearness: float | None

    @property
    def label(self) -> str:
        """The name as a button says it."""
        return self.name.capitalize()


MEANINGS = (
    Meaning(
        name="same work",
        key="w",
        means="the drawing was made after this very artwork",
        training="pair",
        colour="true",
        nearness=3,
    ),
    Meaning(
        name="same motif",
        key="m",
        means="the same subject, after another picture of it",
        training="neither",
        colour="c1",
        nearness=2,
    ),
    Meaning(
        name="style only",
        key="y",
        means="the manner is alike, the subject is not",
        training="neither",
        colour="c0",
        nearness=1,
    ),
    Meaning(
        name="different",
        key="d",
        means="looked at closely, nothing shared",
        training="negative",
        colour="soft",
        nearness=0,
    ),
    Meaning(
        name="unsure",
        key="q",
        means="in question: somebody else should look",
        training="neither",
        colour="warn",
        nearness=None,
    ),
)

GRADES: tuple[Grade, ...] = tuple(meaning.name for meaning in MEANINGS)
"""All grades, as pages list them."""
CONFIRMED: tuple[Grade, ...] = tuple(each.name for each in MEANINGS if each.training == "pair")
"""Grades that make a pair true, unless others are named."""
REJECTED: tuple[Grade, ...] = tuple(each.name for each in MEANINGS if each.training == "negative")
"""Grades of an artwork that people found not to be a drawing's own."""
LINKING: tuple[Grade, ...] = tuple(each.name for each in MEANINGS if each.nearness)
"""Grades that say how a drawing and an artwork belong together."""
_NEARNESS = {each.name: each.nearness for each in MEANINGS if each.nearness is not None}
SCALE: tuple[Grade, ...] = tuple(sorted(_NEARNESS, key=_NEARNESS.__getitem__))
"""From nothing shared to the very work; grades that have no place on it are left out."""
MATCH: Grade = "same work"
"""What a press on a candidate says, and what the thesis's app called a pair."""
PASSED: Grade = "different"
"""What whoever finishes a query has said of the candidates that were seen and left."""
UNDECIDED: Grade = "unsure"
"""What a tie is, and what the thesis's app left ambiguous."""
