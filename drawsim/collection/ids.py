"""Ids are any Unicode text: compared in one normal form, shown as the images table spells them.

The same letters can be written in several ways ("é" as one character, or as "e" and an accent):
file systems, spreadsheets and databases each prefer one. Two texts are the same id if they are
equal after Unicode normalisation form C (Unicode Standard Annex 15).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable

import pandas as pd

from drawsim.common.errors import UserError


def normal(text: str) -> str:
    """The form in which ids are compared.

    >>> normal("e\\u0301") == "\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def find(text: str, ids: Collection[str]) -> str | None:
    """The one of some ids that this text is, in whatever spelling; None: none of them."""
    if text in ids:
        return text
    wanted = normal(text)
    return next((name for name in ids if normal(name) == wanted), None)


def as_listed(names: pd.Series[str], listed: Iterable[str]) -> pd.Series[str]:
    """The names, each as it is spelt in a list of ids; those that it does not have stay as is.

    >>> as_listed(pd.Series(["e\\u0301", "x"]), ["\\u00e9"]).tolist() == ["\\u00e9", "x"]
    True
    """
    ids = list(listed)
    strange = ~names.isin(ids)
    if not strange.any():
        return names
    spelt = {normal(name): name for name in ids}
    return names.where(~strange, names.map(lambda name: spelt.get(normal(name), name)))


def check_ids(ids: Iterable[str]) -> None:
    """Raise UserError if two ids are equal, or are one text in two spellings."""
    seen: dict[str, str] = {}
    for name in ids:
        first = seen.get(normal(name))
        if first == name:
            raise UserError(f"the id {name!r} comes twice; keep one image of that name")
        if first is not None:
            raise UserError(
                f"the ids {first!a} and {name!a} are the same text in two Unicode spellings "
                "(NFC); rename one of the two"
            )
        seen[normal(name)] = name
