"""Texts in several languages, and what pairs of label and value say, in Presentation 2 and 3."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 2000
"""Characters of a text that are kept."""
NO_LANGUAGE = ("none", "@none", "")

Languages = Sequence[str]


def text_of(value: object, languages: Languages, separator: str = "; ") -> str:
    """A text in the first wished language that it has, without markup; "" if there is none.

    value: a language map of version 3 ({"en": ["…"]}), or a text, a list, or {"@value": …,
    "@language": …} of version 2. Of a text that has none of the languages: what is of no language,
    then the first. A region counts as its language: "en" finds "en-GB".

    >>> text_of({"fr": ["Lune"], "en": ["<b>Moon</b> &amp; sea"]}, ["de", "en"])
    'Moon & sea'
    >>> text_of([{"@value": "Lune", "@language": "fr"}, "untitled"], ["en"])
    'untitled'
    """
    by_language = _by_language(value)
    for wished in (*languages, *NO_LANGUAGE):
        for language, texts in by_language.items():
            if language == wished.lower() or language.partition("-")[0] == wished.lower():
                return separator.join(texts)[:MOST]
    return separator.join(next(iter(by_language.values()), []))[:MOST]


def labels_of(value: object) -> list[str]:
    """Every spelling of a label, in all its languages."""
    return [text for texts in _by_language(value).values() for text in texts]


def plain(text: str) -> str:
    """A text without markup and double spaces.

    >>> plain("<p>ca.&nbsp;1889<br/>oil</p>")
    'ca. 1889 oil'
    """
    told = html.unescape(_without_tags(text[: 4 * MOST]))
    return " ".join("".join(each if each.isprintable() else " " for each in told).split())


def _without_tags(text: str) -> str:
    """A text without tags, and without what scripts and styles hold; in one pass."""
    small, kept, start = text.lower(), [], 0
    while (opening := text.find("<", start)) >= 0:
        kept.append(text[start:opening])
        for name in ("script", "style"):
            if small.startswith(f"<{name}", opening):
                opening = small.find(f"</{name}", opening)
        closing = text.find(">", opening) if opening >= 0 else -1
        if closing < 0:
            return " ".join([*kept, text[opening:] if opening >= 0 else ""])
        start = closing + 1
    return " ".join([*kept, text[start:]])


def label_key(label: str) -> str:
    """Labels that differ by capitals, a colon or spaces are the same."""
    return " ".join(re.sub(r"[^\w]+", " ", label.casefold()).split())


def columns_of(
    metadata: object, mapping: Mapping[str, Sequence[str]], languages: Languages
) -> tuple[dict[str, str], list[str]]:
    """Cells by column, and the labels that no column takes.

    metadata: pairs of label and value. mapping: column -> labels, in any language; the first label
    of a column that is there wins.
    """
    places = {
        label_key(label): (column, place)
        for column, labels in mapping.items()
        for place, label in enumerate(labels)
    }
    cells: dict[str, tuple[int, str]] = {}
    left: list[str] = []
    for pair in metadata if isinstance(metadata, list) else []:
        if not isinstance(pair, dict):
            continue
        spellings = labels_of(pair.get("label"))
        value = text_of(pair.get("value"), languages)
        known = [places[key] for each in spellings if (key := label_key(each)) in places]
        if not known:
            left += spellings[:1] if value else []
            continue
        column, place = min(known, key=lambda found: found[1])
        if value and (column not in cells or place < cells[column][0]):
            cells[column] = place, value
    return {column: value for column, (_, value) in cells.items()}, left


def _by_language(value: object) -> dict[str, list[str]]:
    """Plain texts by language, in small letters; "" is of no language."""
    found: dict[str, list[str]] = {}

    def add(language: object, text: object) -> None:
        if isinstance(text, int | float) and not isinstance(text, bool):
            text = str(text)
        if isinstance(text, str) and (cleaned := plain(text)):
            found.setdefault(str(language or "").lower(), []).append(cleaned)

    def take(part: Any) -> None:
        if isinstance(part, list):
            for each in part[:1000]:
                if not isinstance(each, list):
                    take(each)
        elif isinstance(part, dict) and "@value" in part:
            add(part.get("@language"), part["@value"])
        elif isinstance(part, dict):
            for language, texts in part.items():
                for text in texts if isinstance(texts, list) else [texts]:
                    add(language, text)
        else:
            add("", part)

    take(value)
    return found
