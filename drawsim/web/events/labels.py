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
    if text != tidy(text) or any(map(_hidden, text)):
        return f"a {what} is one line without spaces at its ends, nor control characters"
    if text and not any(unicodedata.category(letter)[0] not in "CZ" for letter in text):
        return f"a {what} has at least one letter or sign that can be seen"
    return ""


def _hidden(letter: str) -> bool:
    """Whether a letter is a control: a line break, half of a pair, or one that turns text around.

    Joiners are none: words of some scripts, and signs made of several, need them.
    """
    turning = unicodedata.bidirectional(letter) in ("LRE", "RLE", "LRO", "RLO", "PDF") or (
        unicodedata.bidirectional(letter) in ("LRI", "RLI", "FSI", "PDI")
    )
    return turning or unicodedata.category(letter) in ("Cc", "Cs")
