"""Ids are any Unicode text: compared in one normal form, shown as the images table spells them.

The same letters can be written in several ways ("é" as one character, or as "e" and an accent):
file systems, spreadsheets and databases each prefer one. Two texts are the same id if they are
equal after Unicode normalisation form C (Unicode Standard Annex 15).

People write ids as names of files too, with a folder or an ending, in other capitals, with spaces
that nobody sees. Such a text is an id of a list if it can be meant for one alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from drawsim.collection.damage import CURE, Originals
from drawsim.common.errors import UserError, brief, nearest

Rows = npt.NDArray[np.bool_]
"""Of each row of a table, whether it is meant."""
_ENDING = re.compile(
    r"\.(jpe?g|jpe|jfif|jif|a?png|webp|tiff?|btf|tf8|bmp|gif|p[pgbn]m|jp2|j2[kc]|jp[xfc]|avif"
    r"|hei[cf]|hif|jxl|tga)",
    re.I,
)
LONGEST = 4_096
"""Characters of a text that may be meant for an id, as one or as a path; a longer one is for none,
and nothing is tried with it."""
LONGEST_ID = 1_000
"""Characters of an id."""
_NEAR = 4
"""Letters at the beginning or the end that an id has in common with those it may be meant for."""
_OFFERS = 20
"""Unknown ids for which near ones are looked for: as many as are shown."""


Note = Callable[[str], None]
"""Is told, in a few words, what was read otherwise than it is written."""


def silent(_: str) -> None:
    """Say nothing."""


def normal(text: str) -> str:
    """The form in which ids are compared.

    >>> normal("e\\u0301") == "\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def trimmed(text: str) -> str:
    """A text without spaces and signs that nobody sees at its ends; of one that is too long for an
    id or a path, only spaces go.

    >>> trimmed("\\u200bd 3\\u00a0 ")
    'd 3'
    """
    text = text.strip()
    if len(text) > LONGEST:
        return text
    first, last = 0, len(text)
    while first < last and _is_unseen(text[first]):
        first += 1
    while first < last and _is_unseen(text[last - 1]):
        last -= 1
    return text[first:last]


def without_image_ending(name: str) -> str:
    """A name without the ending of an image file, if it has one.

    >>> without_image_ending("a.b.TIF"), without_image_ending("a.b")
    ('a.b', 'a.b')
    """
    found = _ENDING.search(name, max(name.rfind("."), 0))
    return name[: found.start()] if found and found.end() == len(name) else name


class IdList:
    """The ids of a table, in which texts are looked up.

    paths: that the table has for them, by id; a text may be one of these.
    """

    def __init__(self, ids: Iterable[str], paths: Mapping[str, str] | None = None) -> None:
        self._ids = dict.fromkeys(ids)
        self._usable = [name for name in self._ids if len(name) <= LONGEST_ID]
        self._paths = paths or {}
        self._keyed: dict[str, dict[str, list[str]]] = {}
        self._offers = 0

    def __contains__(self, text: str) -> bool:
        return text in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, text: str) -> str | None:
        """The id that a text is meant for, in whatever spelling; None: none, or one of several."""
        return self.look_up(text)[0]

    def look_up(self, text: str) -> tuple[str | None, str, list[str]]:
        """The id that a text is meant for, how it is written, and between which it cannot be told.

        how: empty where only the Unicode spelling differs, or not even that.
        """
        if text in self._ids:
            return text, "", []
        if not text or len(text) > LONGEST:
            return None, "", []
        for how, key in _WAYS.items():
            found = [name for name in self._by(how, key).get(key(text), []) if _fits(text, name)]
            if len(found) == 1:
                return found[0], how, []
            if found:
                return None, how, found
        at = self._by_path.get(_path(text), [])
        return (at[0], "as paths", []) if len(at) == 1 else (None, "", at)

    def why_unknown(self, text: str) -> tuple[str, str]:
        """What is to be said of a text that is no id, after "is not in …", and the cure."""
        if len(text) > LONGEST:
            return ", it is too long for an id", "correct the id"
        _, _, between = self.look_up(text)
        if between:
            names = " or ".join(map(brief, between[:3]))
            return f", it may be {names}", "write the one that is meant"
        if happened := self._originals.explain(trimmed(text)):
            return f": {happened}", CURE
        self._offers += 1
        near = self._near(text) if self._offers <= _OFFERS else ""
        return "", f"add it there or correct the id{near and f': {near}'}"

    def _near(self, text: str) -> str:
        """An offer of near ids; only those with a common beginning or end are compared."""
        word = _name(text)
        alike = {*self._by_ends.get(word[:_NEAR], ()), *self._by_ends.get(word[-_NEAR:], ())}
        offer = nearest(normal(text), alike) if alike else ""
        return offer if offer.startswith("did") else ""

    @cached_property
    def _by_ends(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._usable:
            for end in {_name(name)[:_NEAR], _name(name)[-_NEAR:]}:
                found[end].append(name)
        return found

    @cached_property
    def _originals(self) -> Originals:
        return Originals(self._usable)

    @cached_property
    def _by_path(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, path in self._paths.items():
            if len(path) <= LONGEST:
                found[_path(path)].append(name)
        return found

    def _by(self, how: str, key: Callable[[str], str]) -> dict[str, list[str]]:
        if how not in self._keyed:
            keyed: dict[str, list[str]] = defaultdict(list)
            for name in self._usable:
                keyed[key(name)].append(name)
            self._keyed[how] = keyed
        return self._keyed[how]


def among(names: pd.Series[str] | pd.Index[str], ids: pd.Series[str] | pd.Index[str]) -> Rows:
    """Which of some names are ids of a list, spelt as there.

    pandas' own `isin` takes twenty times as long for texts that Arrow keeps.

    >>> among(pd.Series(["b", "c"]), pd.Index(["a", "b"])).tolist()
    [True, False]
    """
    known = set(ids.to_numpy())
    return np.fromiter((name in known for name in names.to_numpy()), bool, len(names))


def find(text: str, ids: Iterable[str]) -> str | None:
    """The one of some ids that a text is meant for (see `IdList`)."""
    return IdList(ids).find(text)


def as_listed(
    names: pd.Series[str],
    listed: Iterable[str] | IdList,
    note: Note = silent,
) -> pd.Series[str]:
    """The names, each as it is spelt in a list of ids; those that it does not have stay as is.

    note: is told which names are written otherwise than as ids, but for their Unicode spelling.

    >>> as_listed(pd.Series(["e\\u0301", "x", "A.jpg"]), ["\\u00e9", "a"]).tolist()
    ['é', 'x', 'a']
    """
    ids = listed if isinstance(listed, IdList) else IdList(listed)
    meant = {name: ids.look_up(name) for name in names.unique()}
    hows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, (found, how, _) in meant.items():
        if found is not None and how:
            hows[how].append((name, found))
    if hows:
        told = [
            f"{len(some):,} {how} ({brief(some[0][0])} is {brief(some[0][1])})"
            for how, some in hows.items()
        ]
        note(f"{names.name or 'ids'}: {', '.join(told)}")
    return names.map(lambda name: name if meant[name][0] is None else meant[name][0])


def check_ids(ids: Iterable[str]) -> None:
    """Raise UserError if two ids are equal, or are one text in two spellings, or one is no text.

    NUL and halves of letters can be written in no table.
    """
    seen: dict[str, str] = {}
    for name in ids:
        if "\0" in name or (not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name)):
            raise UserError(f"the id {name[:80]!a} holds what is no text; rename its image")
        first = seen.get(normal(name))
        if first == name:
            raise UserError(f"the id {brief(name)} comes twice; keep one image of that name")
        if first is not None:
            raise UserError(
                f"the ids {first!a} and {name!a} are the same text in two Unicode spellings "
                "(NFC); rename one of the two"
            )
        seen[normal(name)] = name


def _is_unseen(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Zs", "Zl", "Zp")


class _Shown(dict[int, str | None]):
    """For `str.translate`: a space for any space, nothing for other unseen signs."""

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        self[code] = " " if letter.isspace() else None if _is_unseen(letter) else letter
        return self[code]


_SHOWN = _Shown()


def _visible(text: str) -> str:
    """What people see: no unseen signs, one space for any."""
    return normal(" ".join(text.translate(_SHOWN).split()))


def _path(text: str) -> str:
    return _visible(text).replace("\\", "/").removeprefix("./")


def _bare(text: str) -> str:
    return without_image_ending(_path(text))


def _name(text: str) -> str:
    return _bare(text).rpartition("/")[2]


_WAYS: dict[str, Callable[[str], str]] = {
    "": normal,
    "with unseen spaces": _visible,
    "with an apostrophe": lambda text: _visible(text).removeprefix("'"),
    "with an ending": _bare,
    "with a folder": _name,
    "in other capitals": lambda text: _visible(text).casefold(),
    "as file names in other capitals": lambda text: _name(text).casefold(),
}
"""How a text may be written that is meant for an id, the surest first."""


def _fits(text: str, name: str) -> bool:
    """Whether a text can be meant for an id: where both have folders or endings, these agree."""
    ours, theirs = _path(text).casefold(), _path(name).casefold()
    endings = [place[len(_bare(place)) :] for place in (ours, theirs)]
    folders = [_bare(place).split("/")[:-1] for place in (ours, theirs)]
    short, long = sorted(folders, key=len)
    same_end = not all(endings) or endings[0] == endings[1]
    return same_end and (not short or long[-len(short) :] == short)
