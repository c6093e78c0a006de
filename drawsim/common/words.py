"""What a sentence says of several things: how many, which of them, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NOUN = re.compile(r"((?:style|true|random|embedding) )?((?!of\b|in\b)[\w-]+(?<!s)s)(?![\w.])")
_OF_ONE = (
    (" are ", " is "),
    (", all as they were", ", as it was"),
    (", all sound", ", sound"),
    ("their rectos", "its recto"),
)
SHOWN = 5
"""Of many things, those that a line spells out."""


def counted(number: int, what: str, several: str | None = None) -> str:
    """A number and the noun that goes with it; several: its plural, if that is not in s.

    >>> counted(1, "drawing"), counted(2000, "drawing"), counted(2, "copy", "copies")
    ('1 drawing', '2,000 drawings', '2 copies')
    """
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def of_one(several: str) -> str:
    """A phrase on several things, whose noun comes first, as it is said of one.

    >>> of_one("images fetched"), of_one("style copies that are there already")
    ('image fetched', 'style copy that is there already')
    >>> of_one("canvases without an image"), of_one("artworks, all as they were")
    ('canvas without an image', 'artwork, as it was')
    >>> of_one("of these rows that people added"), of_one("address")
    ('of these rows that people added', 'address')
    """
    found = _NOUN.match(several)
    if found is None:
        return several
    adjective, noun, rest = found.group(1) or "", found[2], several[found.end() :]
    if noun.endswith("ies"):
        noun = f"{noun[:-3]}y"
    else:
        noun = noun.removesuffix("es") if noun.endswith("ses") else noun.removesuffix("s")
    for many, one in _OF_ONE:
        rest = rest.replace(many, one)
    return f"{adjective}{noun}{rest}"


def head(texts: Sequence[str], what: str = "", most: int = SHOWN) -> list[str]:
    """The first of some texts, and in a last one how many more there are.

    what: a word behind that number.

    >>> head(["a", "b"]), head(["a", "b", "c"], most=1), head(["a", "b"], "like it", 1)
    (['a', 'b'], ['a', '… and 2 more'], ['a', '… and 1 more like it'])
    """
    if len(texts) <= most:
        return list(texts)
    return [*texts[:most], f"… and {len(texts) - most:,} more{what and ' '}{what}"]


def first_of(texts: Sequence[str], most: int = SHOWN, separator: str = ", ") -> str:
    """The same in one line.

    >>> first_of(["a", "b"]), first_of(["a", "b", "c"], 1)
    ('a, b', 'a … and 2 more')
    """
    shown = separator.join(texts[:most])
    return " ".join([shown, *head(texts, most=most)[most:]])


def in_words(texts: Iterable[str]) -> str:
    """
    >>> in_words(["a"]), in_words(["a", "b"]), in_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last
