"""The one error class for what a user can mend: shown as plain lines, never as a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in input, settings or surroundings; the text says what, where and the cure."""


class StoppedError(Exception):
    """A run that was stopped on purpose, before its end; the text says by what."""


SHOWN = 80
"""Characters that a line shows of a text that may be of any length."""


def brief(text: object, most: int = SHOWN) -> str:
    """What a line shows of a cell or another text of strangers: quoted, and its beginning if long.

    >>> brief("a\\n"), brief("abcdefgh", 3)
    ("'a\\\\n'", "'abc'… (8 characters)")
    """
    own = str(text)
    return repr(own) if len(own) <= most else f"{own[:most]!r}… ({len(own):,} characters)"


def nearest(name: str, valid: Iterable[str], n: int = 3) -> str:
    """A phrase that offers the valid names nearest to a misspelt one.

    >>> nearest("bakcbone", ["backbone", "split", "aug"])
    'did you mean backbone?'
    >>> nearest("v99", ["v9", "lite"])
    'did you mean v9?'
    >>> nearest("qqq", ["alpha", "beta"])
    'choose from alpha, beta'
    """
    names = sorted(set(valid))
    close = difflib.get_close_matches(name, names, n=n, cutoff=0.4)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"choose from {', '.join(names)}"
