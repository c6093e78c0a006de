"""What the page says of a motif, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from drawsim.common.words import counted, in_words
from drawsim.reporting.collection.counts import country_name
from drawsim.reporting.motifs.view import MotifsView
from drawsim.retrieval.motifs.files import Motif
from drawsim.retrieval.motifs.sources import Near, Sources


def value_words(column: str, value: str) -> str:
    """A value of a column, for people.

    >>> value_words("country", "GRC"), value_words("age_group", "3-5"), value_words("year", "1998")
    ('Greece (GRC)', 'age 3-5', '1998')
    >>> value_words("medium", "gray"), value_words("school", "No. 2")
    ('gray', 'school No. 2')
    """
    if column == "country":
        return country_name(value)
    if column == "age_group":
        return f"age {value}"
    return value if column in ("year", "region", "medium") else f"{column} {value}"


def finding_words(row: Any) -> str:
    """A row of the table of who draws a motif; row: with its columns as attributes."""
    return _counts(row, [row.value])


def leaning_words(row: Any) -> str:
    """A row of `leanings`, whose `values` are several that lean the same way."""
    return _counts(row, row.values)


def _counts(row: Any, values: Sequence[Any]) -> str:
    expected = f"{row.expected:.0f}" if row.expected >= 10 else f"{row.expected:.1f}"
    few = " only" if row.count < row.expected else ""
    said = in_words([value_words(str(row.column), str(value)) for value in values])
    return f"{capital(said)}:{few} {row.count:,} of {row.known:,}, expected {expected}"


def capital(text: str) -> str:
    """The text with a capital at its beginning.

    >>> capital("age 3-5"), capital("")
    ('Age 3-5', '')
    """
    return text[:1].upper() + text[1:]


def odds_words(row: Any) -> str:
    """The odds ratio of such a row with its interval."""
    return interval_words(float(row.odds_ratio), float(row.low), float(row.high))


def interval_words(odds: float, low: float, high: float) -> str:
    """An odds ratio with its interval.

    >>> interval_words(12.34, 4.0, float("inf")), interval_words(0.5, 0.21, 1.3)
    ('odds × 12 (4 or more)', 'odds × 0.5 (0.21 to 1.3)')
    """
    ends = f"{low:.2g} or more" if math.isinf(high) else f"{low:.2g} to {_short(high)}"
    return f"odds × {_short(odds)} ({ends})"


def _short(number: float) -> str:
    return "∞" if math.isinf(number) else f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def summary_words(motif: Motif, countries: int, years: Sequence[int]) -> str:
    """How many drawings, of how many countries, from when.

    >>> summary_words(Motif("1", ("a", "b", "c"), "a", 0.9), 2, [1998, 2004])
    '3 drawings, 2 countries, 1998 – 2004'
    """
    parts = [counted(motif.size, "drawing")]
    if countries:
        parts.append(counted(countries, "country", "countries"))
    if years:
        first, last = min(years), max(years)
        parts.append(f"{first} – {last}" if first < last else str(first))
    return ", ".join(parts)


def source_words(view: MotifsView, motif: Motif, summary: str) -> tuple[str, str]:
    """Whether a motif has a known source: a word for it, and a sentence.

    The words are known, likely, none, and unknown where it is not known how likely one is.
    """
    sources = view.sources
    if sources is None:
        return "unknown", "No gallery was looked at."
    known = sources.known(motif.id)
    if known is not None:
        called = view.captions("artwork", known.artwork).line
        return "known", f"Source: {called}. {_pairs(known, motif)}."
    likely = sources.likely(motif.id)
    if likely is not None:
        called = view.captions("artwork", likely.artwork).line
        return "likely", f"Likely source: {called}, {likely.chance}."
    if sources.note:
        return "unknown", "No source of it is confirmed."
    return "none", f"No known source: {summary}."


def _pairs(near: Near, motif: Motif) -> str:
    if near.confirmed == motif.size:
        return "All its drawings are confirmed pairs"
    are = "is a confirmed pair" if near.confirmed == 1 else "are confirmed pairs"
    return f"{near.confirmed:,} of {counted(motif.size, 'drawing')} {are}"


def near_words(near: Near, motif: Motif, sources: Sources) -> str:
    """What makes an artwork near to a motif."""
    parts = [_pairs(near, motif).lower()] if near.confirmed else []
    parts.append(f"nearest to {near.firsts:,} of {counted(motif.size, 'drawing')}")
    if near.chance is not None and not near.confirmed:
        parts.append(f"{near.chance} to be its source")
    parts.append(f"cosine {near.similarity:.2f}")
    return ", ".join(parts)


def colour_words(row: Any) -> str:
    """A row of the table of colours, whose motif is `COLUMN=VALUE` and whose value is a colour."""
    column, _, value = str(row.motif).partition("=")
    more = "more" if row.count >= row.expected else "less"
    return (
        f"{capital(value_words(column, value))}: {more} {row.value}, in {row.count:,} of "
        f"{row.known:,} drawings, expected {row.expected:.1f}"
    )
