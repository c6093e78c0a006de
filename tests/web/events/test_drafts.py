"""What an annotator does makes sense, or is refused before it is saved."""

from __future__ import annotations

from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.web.events.drafts import Draft

# Drafts

BOX = (0.1, 0.2, 0.3, 0.4)
SOUND: dict[str, Any] = {
    "key": "key-0000",
    "action": "grade",
    "kind": "drawing",
    "drawing_id": "d",
    "artwork_id": "a",
    "grade": "unsure",
}
ANSWER: dict[str, Any] = {**SOUND, "action": "done", "artwork_id": None, "grade": None}
BOXED: dict[str, Any] = {**SOUND, "action": "box", "grade": None}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({**SOUND, "key": "short"}, "8 to 64"),
        ({**SOUND, "key": "k" * 65}, "8 to 64"),
        ({**SOUND, "key": "key 0000"}, "8 to 64"),
        ({**SOUND, "key": "key-0000\n"}, "8 to 64"),
        ({**SOUND, "action": "grad"}, "did you mean grade"),
        ({**SOUND, "kind": "picture"}, "no kind is 'picture'"),
        ({**SOUND, "grade": "same"}, "did you mean same"),
        ({**SOUND, "grade": None}, "a grade comes with"),
        ({**SOUND, "action": "clear"}, "a grade comes with"),
        ({**SOUND, "drawing_id": None}, "id of the drawing"),
        ({**SOUND, "artwork_id": None}, "needs both"),
        ({**SOUND, "kind": "artwork", "artwork_id": None}, "id of the artwork"),
        ({**SOUND, "drawing_id": ""}, "must not be empty"),
        ({**SOUND, "drawing_id": "d\0"}, "NUL"),
        ({**SOUND, "artwork_id": "\ud800"}, "half a character"),
        ({**SOUND, "note": "\0"}, "NUL"),
        ({**SOUND, "note": "n" * 10_001}, "at most 10000"),
        ({**SOUND, "drawing_box": BOX}, "boxes come with box"),
        ({**SOUND, "shown_ids": ("a",)}, "come with done"),
        ({**SOUND, "rank": 0}, "rank is 0"),
        ({**SOUND, "rank": 10**30}, "rank is 1"),
        ({**SOUND, "score": float("nan")}, "score is nan"),
        ({**SOUND, "shown": -1}, "shown is -1"),
        ({**ANSWER, "seconds": float("inf")}, "seconds is inf"),
        ({**ANSWER, "artwork_id": "a"}, "of the query alone"),
        ({**ANSWER, "rank": 1}, "none is named"),
        ({**ANSWER, "shown_ids": ("",)}, "must not be empty"),
        ({**BOXED, "note": "n"}, "takes no note"),
        ({**BOXED, "drawing_box": (0.5, 0.5, 0.6, 0.1)}, "not .x, y, width, height."),
        ({**BOXED, "artwork_box": (-0.1, 0.5, 0.5, 0.1)}, "not .x, y, width, height."),
        ({**BOXED, "artwork_box": (0.1, 0.5, 0.0, 0.1)}, "not .x, y, width, height."),
        ({**BOXED, "artwork_box": (0.1, 0.5, float("nan"), 0.1)}, "not .x, y, width, height."),
        ({**BOXED, "artwork_box": (0.1, 0.5, 0.1)}, "not .x, y, width, height."),
    ],
)
def test_a_draft_that_does_not_fit_together_is_refused(fields: dict[str, Any], says: str) -> None:
    for sound in (SOUND, ANSWER, BOXED):
        Draft(**sound)
    with pytest.raises(UserError, match=says):
        Draft(**fields)


@pytest.mark.parametrize("text", ["\u200b", "a\u202eb", "\u2067a", "\u00ad"])
def test_tags_and_names_are_what_people_see(text: str) -> None:
    for action in ("tag", "name"):
        with pytest.raises(UserError):
            Draft("said-0001", action, "drawing", "d", label=text)


@pytest.mark.parametrize("text", ["\U0001f469\u200d\U0001f3a8", "\u0646\u06cc\u200c\u0645", "مركب"])
def test_joiners_are_part_of_words_and_signs(text: str) -> None:
    Draft("said-0001", "tag", "drawing", "d", label=text)
