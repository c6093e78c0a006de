"""The field's own words: age groups, countries, endings of style copies, artists' names."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection as Ids
from functools import cache
from itertools import pairwise

AGE_GROUPS = ("3-5", "6-9", "10-13", "14-17", "18-25", "MS", "unknown")
"""In their natural order; MS: medico-social institutions, of no stated age."""

STYLE_SUFFIXES = ("_pencil_gray", "_texture", "_water", "_gray", "_oil")
"""What the id of a style copy has after the id of its original; the longest is tried first."""

NO_ARTISTS = frozenset(
    (
        *("other", "others", "misc", "miscellaneous", "mixed", "rest", "various", "varia"),
        *("various artists", "artworks", "images", "pictures", "paintings", "unsorted", "new"),
        *("unknown", "unknown artist", "unknown artists", "artist unknown", "none", "tmp"),
        *("unidentified", "unidentified artist", "anonymous", "anonymous artist", "anon"),
        *("anonym", "anonymer künstler", "anonyme", "artiste anonyme", "anonimo", "anónimo"),
        *("anoniem", "autore anonimo", "künstler unbekannt", "artiste inconnu"),
        *("andere", "diverse", "sonstige", "sonstiges", "unbekannt", "verschiedenes"),
        *("autres", "divers", "inconnu", "inconnus", "altri", "varie", "sconosciuto"),
        *("otros", "varios", "desconocido", "overige", "overig", "onbekend"),
    )
)
"""What stands in an artist's place and names nobody; `After Rembrandt` does."""

_ENCODINGS = ("cp437", "cp1252", "mac_roman")
_SUSPECTS = "ªºµ"  # letters to Unicode, but in a name most likely half of a broken one
_GOOD_MARKS = "’‘“”–·"


@cache
def countries() -> frozenset[str]:
    """Codes of countries: ISO 3166-1 alpha-3, and of ISO 3166-3 those of states that are no more.

    >>> {"FRA", "YUG"} <= countries()
    True
    """
    import pycountry  # reads metadata of all that is installed

    known = (*pycountry.countries, *pycountry.historic_countries)
    return frozenset(state.alpha_3 for state in known if hasattr(state, "alpha_3"))


def original_id(copy: str, known: Ids[str]) -> str | None:
    """The id of which `copy` is a style copy, if that is among `known`.

    >>> original_id("2015_14-17_3372_ITA_R_C_oil", {"2015_14-17_3372_ITA_R_C"})
    '2015_14-17_3372_ITA_R_C'
    """
    originals = (copy.removesuffix(s) for s in STYLE_SUFFIXES if copy.endswith(s))
    return next((name for name in originals if name in known), None)


def display_name(name: str) -> str:
    """An artist's name for people: spaces for underscores, broken letters repaired.

    >>> display_name("Albrecht_Du╠êrer")
    'Albrecht Dürer'
    >>> display_name("Édouard_Manet")
    'Édouard Manet'
    """
    return " ".join(unicodedata.normalize("NFC", repaired(name)).replace("_", " ").split())


def named_artist(text: str) -> str:
    """What stands in an artist's place, the name of a folder or a cell; "" if that is nobody.

    >>> named_artist("Albrecht_Dürer"), named_artist("Others"), named_artist("anonymous 2")
    ('Albrecht_Dürer', '', '')
    """
    words = "".join(c if c.isalpha() else " " for c in display_name(text).casefold())
    return "" if " ".join(words.split()) in NO_ARTISTS else text


def repaired(text: str) -> str:
    """Text whose UTF-8 bytes were once read as another encoding, as it was meant (NFC).

    Tried are cp437 (zip archives), cp1252 with latin-1 for the bytes that it lacks (Windows, the
    web) and Mac Roman, twice at most, as some text was broken twice. Only what looks broken is
    touched, and only if it is UTF-8 in that encoding and then looks like a name: letters of one
    script, and no sign that names do not have. Everything else comes back as it is.

    The library ftfy does the same for any text, and must be more careful: of the names of 48
    painters it leaves 11 as they are that went through cp437 and 42 that went through Mac Roman,
    decomposed; Cyrillic in Mac Roman it leaves too.
    """
    better = text
    for _ in range(2):
        tries = (_reread(better, encoding) for encoding in _ENCODINGS if _looks_broken(better))
        better = next((meant for meant in tries if meant is not None), better)
    return text if _looks_broken(better) else better


def _reread(text: str, encoding: str) -> str | None:
    """The text as UTF-8 if these were its bytes, or None."""
    try:
        raw = b"".join(_byte(letter, encoding) for letter in text)
        meant = unicodedata.normalize("NFC", raw.decode("utf-8"))
    except UnicodeError:
        return None
    scripts = {unicodedata.name(c, "?").split()[0] for c in meant if c.isalpha()}
    marks = any(unicodedata.combining(c) for c in meant)
    return meant if len(scripts) == 1 and not marks else None


def _byte(letter: str, encoding: str) -> bytes:
    try:
        return letter.encode(encoding)
    except UnicodeEncodeError:
        if encoding != "cp1252":
            raise
        return letter.encode("latin-1")


def _looks_broken(text: str) -> bool:
    """Whether there is a sign that names do not have, or a capital like Ã within a word."""
    return any(map(_is_odd, text)) or any(
        a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(text)
    )


def _is_odd(letter: str) -> bool:
    if letter.isascii() or letter in _GOOD_MARKS:
        return False
    return letter in _SUSPECTS or unicodedata.category(letter)[0] not in "LM"
