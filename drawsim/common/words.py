"""What a sentence says of several things: how many, which of them, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SHOWN = 5
"""Of many things, those that a line spells out."""


def counted(number: int, what: str, several: str | None = None) -> str:
    """A number and the noun that goes with it; several: its plural, if that is not in s.

    >>> counted(1, "drawing"), counted(2000, "drawing"), counted(2, "copy", "copies")
    ('1 drawing', '2,000 drawings', '2 copies')
    """
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


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
