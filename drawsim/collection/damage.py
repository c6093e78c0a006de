"""What a spreadsheet makes of cells that it takes for numbers or dates, and what they were.

Opened by a double click, a table loses what a spreadsheet does not think worth keeping: the zeros
before a number (007 is 7), digits beyond the fifteenth (Microsoft, "Excel specifications and
limits": number precision 15 digits), the digits of a long number (General format shows
201514000001 as 2.01514E+11), and what could be a date (10-13 is 13-Oct; HGNC renamed genes for
it: SEPT2 is 2-Sep). LibreOffice writes cells "as shown" (### where a column is narrow).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import PurePosixPath

import pandas as pd

from drawsim.common.errors import brief
from drawsim.common.words import counted

CURE = "take it from the original table, or import this one anew with its columns as Text"

_LONGEST = 255
"""Characters of what a spreadsheet may have made of a number or a date, by far."""
_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_HASHES = re.compile(r"#{3,}")
_ERROR = re.compile(r"#[¡¿]?[A-ZÀ-Þ_]{3,}(/0)?[?!]|#N/[AD]|#NV")
_MONTHS = (
    ("jan", "janv", "ene", "gen", "янв"),
    ("feb", "fév", "févr", "fev", "фев"),
    ("mar", "mär", "mrz", "mars", "mrt", "март", "мар"),
    ("apr", "avr", "abr", "апр"),
    ("may", "mai", "mei", "mag", "maj", "май"),
    ("jun", "juin", "giu", "июн"),
    ("jul", "juil", "lug", "июл"),
    ("aug", "août", "ago", "авг"),
    ("sep", "sept", "set", "сен"),
    ("oct", "okt", "ott", "out", "окт"),
    ("nov", "ноя"),
    ("dec", "déc", "dez", "dic", "дек"),
)
_NUMBER_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_WORDED = re.compile(
    r"(\d{1,4})[-. /]{1,2}([^\W\d_]{3,5})\.?|([^\W\d_]{3,5})\.?[-. /]{0,2}(\d{1,4})"
)
_PLAIN = re.compile(r"(\d{1,4})[-./](\d{1,4})(?:[-./](\d{2,4}))?(?: 0?0:00(?::00)?)?")


def looks_like_date(cell: str) -> bool:
    """Whether this is how a spreadsheet shows a date that it made of a range.

    >>> [looks_like_date(cell) for cell in ("13-Oct", "09. Jun", "Okt 13", "10-13", "6-9 years")]
    [True, True, True, False, False]
    """
    found = _WORDED.fullmatch(cell.strip())
    return found is not None and (found[2] or found[3]).casefold() in _NUMBER_OF


def range_of(cell: str) -> str | None:
    """The range that a spreadsheet took for this date: the smaller number first.

    >>> range_of("13-Oct"), range_of("09-Jun"), range_of("2024-10-13"), range_of("soon")
    ('10-13', '6-9', '10-13', None)
    """
    parts = _date(cell)
    if parts is None or len(parts) < 2:
        return None
    low, high = sorted(parts)[:2]
    return f"{low}-{high}"


def note_damage(images: pd.DataFrame, note: Callable[[str], None]) -> None:
    """Say which cells of a table of images look like a spreadsheet's, and what they were.

    images: text cells, `id` and `path` among the columns. Ids are compared with the names of their
    files; ages with those that archives write.
    """
    odd = [name for name in images["id"] if _EXPONENT.fullmatch(name) or looks_like_date(name)]
    if odd:
        paths = dict(zip(images["id"], images["path"], strict=True))
        stems = {name: PurePosixPath(paths[name]).stem for name in odd}
        was = next((told for n in odd if (told := Originals([stems[n]]).explain(n))), "")
        look = counted(len(odd), "looks", "look")
        note(f"id: {look} like a spreadsheet's, e.g. {brief(odd[0])} {was} – {CURE}")
    for column in images.columns:
        cells = images[column]
        if column in ("id", "path"):
            continue
        signs = cells[cells.map(is_unreadable)]
        if len(signs):
            note(
                f"{column}: {counted(len(signs), 'is', 'are')} a spreadsheet's, "
                f"e.g. {brief(signs.iloc[0])} – {CURE}"
            )
    if "age_group" in images.columns:
        dates = [cell for cell in images["age_group"] if looks_like_date(cell)]
        shown = ", ".join(f"{cell!r} was {range_of(cell)!r}" for cell in dict.fromkeys(dates))
        if dates:
            made = f"a spreadsheet made dates of {counted(len(dates), 'cell')}"
            note(f"age_group: {made}: {shown} – {CURE}")


def is_unreadable(cell: str) -> bool:
    """Whether a spreadsheet wrote a sign in place of what it did not show or could not reckon.

    >>> [is_unreadable(cell) for cell in ("#####", "#NAME?", "#N/A", "#12", "No. 7")]
    [True, True, True, False, False]
    """
    return bool(_HASHES.fullmatch(cell) or _ERROR.fullmatch(cell))


class Originals:
    """Ids of a list, found by what a spreadsheet would have made of them."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = list(ids)

    def explain(self, cell: str) -> str | None:
        """What happened to a cell that is no id, and which id it was; None: nothing known.

        >>> Originals(["00123", "201514000001", "3-5"]).explain("123")
        "a spreadsheet took its zeros, it was '00123'"
        >>> Originals(["00123", "201514000001", "3-5"]).explain("2.01514E+11")
        "a spreadsheet made a number of it, it was '201514000001'"
        >>> Originals(["00123", "201514000001", "3-5"]).explain("5-Mar")
        "a spreadsheet made a date of it, it was '3-5'"
        """
        if len(cell) > _LONGEST:
            return None
        if is_unreadable(cell):
            return "a spreadsheet wrote this in place of the id"
        ways = (
            (self._by_digits.get(_digits(cell) or "", []), "took its zeros"),
            (self._with_more_digits(cell), "made a number of it"),
            (self._by_date.get(_date(cell) or (), []), "made a date of it"),
        )
        for found, what in ways:
            if found and cell not in found:
                shown = " or ".join(map(brief, found[:3]))
                more = f" or {len(found) - 3:,} more" if len(found) > 3 else ""
                return f"a spreadsheet {what}, it was {shown}{more}"
        if _EXPONENT.fullmatch(cell):
            return "a spreadsheet made a number of it"
        return "a spreadsheet made a date of it" if looks_like_date(cell) else None

    @cached_property
    def _by_digits(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._ids:
            if digits := _digits(name):
                found[digits].append(name)
        return found

    @cached_property
    def _by_date(self) -> dict[tuple[int, ...], list[str]]:
        found: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name in self._ids:
            if parts := _date(name):
                found[parts].append(name)
        return found

    @cached_property
    def _numbers(self) -> list[tuple[Decimal, str]]:
        return [(n, name) for name in self._ids if (n := _number(name)) is not None]

    def _with_more_digits(self, cell: str) -> list[str]:
        """Ids that are this number, to as many digits as a spreadsheet shows or keeps."""
        number = _number(cell)
        if number is None or number == 0:
            return []
        written = number.as_tuple()
        digits = "".join(map(str, written.digits))
        if not _EXPONENT.fullmatch(cell):
            whole = len(digits) > 15 and digits[15:].strip("0") == ""
            digits = digits[:15] if whole else digits
            if not whole:
                return [name for n, name in self._numbers if n == number and name != cell]
        step = Decimal(1).scaleb(number.adjusted() - len(digits) + 1)
        return [name for n, name in self._numbers if abs(n - number) < step and name != cell]


def _digits(text: str) -> str | None:
    """A whole number without its zeros in front, and without the .0 that a program adds."""
    found = re.fullmatch(r"0*(\d+?)(?:[.,]0+)?", text.strip())
    return found[1] if found else None


def _number(text: str) -> Decimal | None:
    plain = text.strip().replace(",", ".")
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", plain):
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def _date(text: str) -> tuple[int, ...] | None:
    """The numbers that make a date, in their order of size: month and day, or month and year.

    Of a whole date, the year goes if it is one that a spreadsheet adds by itself.
    """
    cell = text.strip()
    if found := _WORDED.fullmatch(cell):
        month = _NUMBER_OF.get((found[2] or found[3]).casefold())
        return None if month is None else tuple(sorted((month, int(found[1] or found[4]))))
    found = _PLAIN.fullmatch(cell)
    if not found:
        return None
    parts = [int(part) for part in found.groups() if part]
    years = [part for part in parts if part > 31]
    return tuple(sorted(part for part in parts if part not in years[:1] or len(parts) < 3))
