"""Several things said in one sentence."""

from __future__ import annotations

from collections.abc import Iterable


def in_words(texts: Iterable[str]) -> str:
    """
    >>> in_words(["a"]), in_words(["a", "b"]), in_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last
