"""Tags and names: the few words that people give a drawing or a group, and which are fit for it."""

from __future__ import annotations

import unicodedata

TAG_LENGTH = 100
NAME_LENGTH = 200
PARTS = ",;|"
"""What stands between tags in a field, a cell or a filter, and therefore in none."""


def tidy(text: str) -> str:
    """A tag or a name as it is kept: composed (NFC), in one line, single spaces, none at the ends.

    >>> tidy("  red\\n sails ")
    'red sails'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def tag_problem(tag: str) -> str:
    """What is wrong with a tag; empty if nothing is."""
    if not tag:
        return "a tag must not be empty"
    if any(letter in PARTS for letter in tag):
        return f"a tag has none of {' '.join(PARTS)}, which stand between tags"
    return _problem("tag", tag, TAG_LENGTH)


def name_problem(name: str) -> str:
    """What is wrong with a name; empty if nothing is. An empty one takes the name away."""
    return _problem("name", name, NAME_LENGTH)


def _problem(what: str, text: str, most: int) -> str:
    if len(text) > most:
        return f"a {what} has at most {most} characters, this one has {len(text):,}"
    if text != tidy(text) or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        return f"a {what} is one line without spaces at its ends, nor control characters"
    return ""
