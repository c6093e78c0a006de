"""Years as museums write them, read where one can be meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pandas as pd

from drawsim.common.errors import brief

UNDATED = frozenset(
    (
        "",
        "unknown",
        "undated",
        "n.d.",
        "nd",
        "n/a",
        "na",
        "none",
        "-",
        "–",
        "?",
        "s.d.",
        "sd",
        "o.j.",
    )
)
"""Cells that say that no year is known."""

SHOWN = 3
"""Cells that a note spells out."""

_BEFORE_CHRIST = re.compile(r"\b(b\.? ?c\.?(e\.?)?|v\.? ?chr\.?|av\.? ?j\.?-?c\.?|a\.? ?c\.)(?!\w)")
_CENTURY = re.compile(
    r"\b(\d{1,2}|[ivx]+)(?:st|nd|rd|th|e|ème|eme|er|\.|º|°)? ?-?"
    r"(?:c\.|cent\.?|century|centuries|siècle|siecle|s\.|jh\.?|jhd\.?|jahrhundert|secolo|siglo|eeuw)"
)
_OF_FOUR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_CENTURY_FIRST = re.compile(r"\b(?:s\.|sec\.|secolo|siglo|saec\.) ?(\d{1,2}|[ivx]+)\b")
_SHORT = re.compile(r"(?<![\d.,/-])(\d{1,3})(?![\d.,/])")
_ROMAN = {"i": 1, "v": 5, "x": 10}


def year_of(cell: str) -> int | None:
    """The year that a cell names, of a span the first; None if there is none to be read.

    "ca. 1889" is 1889, "1912–13" 1912, "1880s" 1880; a century is its first year by ISO 8601
    ("19th century" is 1800, as in the tables of the Met); years before Christ are negative.

    >>> [year_of(cell) for cell in ("ca. 1889", "1912–13", "1880s", "19th c.", "XIXe siècle")]
    [1889, 1912, 1880, 1800, 1800]
    >>> [year_of(cell) for cell in ("500 B.C.", "0950", "1995.0", "13-Oct", "spring")]
    [-500, 950, 1995, None, None]
    """
    text = unicodedata.normalize("NFKC", cell).casefold().strip()
    if found := re.fullmatch(r"(-?\d{1,4})(?:[.,]0+)?", text):
        return int(found[1])
    sign = -1 if _BEFORE_CHRIST.search(text) else 1
    if found := _CENTURY.search(text) or _CENTURY_FIRST.search(text):
        number = int(found[1]) if found[1].isdecimal() else _roman(found[1])
        return max(100 * (number - 1), 1) if sign > 0 else -100 * number
    if found := _OF_FOUR.search(text):
        return sign * int(found[1])
    circa = re.match(r"(c|ca|circa|um|vers|about|before|after|verso)\b", text)
    if (sign < 0 or circa) and (found := _SHORT.search(text)):
        return sign * int(found[1])
    return None


def span_of(cell: str) -> tuple[int, int] | None:
    """The first and the last year that a cell names; None if there is none to be read.

    >>> [span_of(cell) for cell in ("ca. 1889", "1912–13", "1880s", "1884/1892")]
    [(1889, 1889), (1912, 1913), (1880, 1889), (1884, 1892)]
    >>> [span_of(cell) for cell in ("19th century", "1642-6", "1990-02-11", "spring")]
    [(1800, 1899), (1642, 1646), (1990, 1990), None]
    """
    first = year_of(cell)
    if first is None:
        return None
    text = unicodedata.normalize("NFKC", cell).casefold()
    if first < 0:
        return first, first
    if _CENTURY.search(text) or _CENTURY_FIRST.search(text):
        return first, first // 100 * 100 + 99
    if re.search(rf"(?<!\d){first}(?:'?s\b|er\b|-?(?:tal|erjahre))", text):
        return first, first + (99 if first % 100 == 0 else 9)
    if re.search(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", text):
        return first, first
    later = re.search(rf"(?<!\d){first}\s*(?:[-–—/]|to|bis|until|à)\s*(\d{{1,4}})(?!\d)", text)
    if later is None:
        return first, first
    last = int(str(first)[: 4 - len(later[1])] + later[1]) if first > 999 else int(later[1])
    return (first, last) if last >= first else (first, first)


def is_undated(cell: str) -> bool:
    """Whether a cell says that no year is known."""
    return cell.strip().strip("[]()").casefold() in UNDATED


def note_years(images: pd.DataFrame, note: Callable[[str], None]) -> None:
    """Say which cells of the column `year` are no plain years: what they are read as, or not.

    images: text cells. Nothing is said without such a column.
    """
    if "year" not in images.columns:
        return
    dated = [cell for cell in images["year"] if not is_undated(cell)]
    spans = [cell for cell in dated if year_of(cell) is not None and not cell.strip().isdecimal()]
    if spans:
        note(
            f"year: {len(spans):,} read by the first year, e.g. {brief(spans[0])} as "
            f"{year_of(spans[0])}"
        )
    if unread := [cell for cell in dated if year_of(cell) is None]:
        shown = ", ".join(map(brief, dict.fromkeys(unread[:SHOWN])))
        note(
            f"year: {len(unread):,} of {len(images):,} name no year ({shown}), filters and charts "
            "leave them out; write 1889, ca. 1889, 1912–13 or 19th century"
        )


def _roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-one if one < following else one for one, following in pairs)
