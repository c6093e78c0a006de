"""What is known of an image of the collection, in words, and as a candidate that was found."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from drawsim.collection.kinds import Kind
from drawsim.collection.names import display_name
from drawsim.collection.rights import COLUMNS, Rights, rights_of
from drawsim.retrieval.analysis.calibration import Chance

SPECIAL = frozenset({"path", "title", "artist", "width", "height", *COLUMNS})
"""Columns that are not told as details."""


@dataclass(frozen=True)
class Item:
    """A drawing or an artwork, and what is known about it.

    title: the id where the table has none. details: further columns that are not empty. width,
    height: pixels, where the table says them.
    """

    kind: Kind
    id: str
    title: str
    artist: str
    details: Mapping[str, str]
    rights: Rights
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Candidate:
    """An image that was found. rank: from 1. known: a confirmed pair of the collection.

    above: the share, 0..1, of other queries of its kind in the index whose best candidate, leaving
    out their own, scores lower; None where the index cannot say. chance: how likely it is a true
    match; known of the first candidate of a drawing alone, by a calibration.
    """

    kind: Kind
    id: str
    rank: int
    score: float | None
    above: float | None
    chance: Chance | None
    title: str
    artist: str
    details: Mapping[str, str]
    rights: Rights
    known: bool


def texts(table: pd.DataFrame) -> list[tuple[str, dict[str, str]]]:
    """The rows of a table by id, as plain dictionaries."""
    columns = [str(name) for name in table.columns]
    rows = table.astype(str).to_numpy().tolist()
    return [
        (str(name), dict(zip(columns, row, strict=True)))
        for name, row in zip(table.index, rows, strict=True)
    ]


def items_of(kind: Kind, table: pd.DataFrame) -> dict[str, Item]:
    """What is known of the images of a table, by id."""
    items = {}
    for name, row in texts(table):
        details = {k: v for k, v in row.items() if k not in SPECIAL and v.strip()}
        artist = display_name(row.get("artist", ""))
        title = row.get("title", "").strip() or (name if kind == "drawing" else display_name(name))
        width, height = _pixels(row.get("width", "")), _pixels(row.get("height", ""))
        items[name] = Item(kind, name, title, artist, details, rights_of(row), width, height)
    return items


def _pixels(text: str) -> int | None:
    is_size = text.isascii() and text.isdigit() and len(text) < 10  # no image has more digits
    return int(text) or None if is_size else None


def words_of(name: str, row: Mapping[str, str]) -> tuple[str, str]:
    """A folded id, and all that can be searched of an image."""
    told = [name, *(value for column, value in row.items() if column != "path")]
    every = "\n".join([*told, display_name(name), display_name(row.get("artist", ""))])
    return folded(name), folded(every)


def folded(text: str) -> str:
    """A text without accents and capitals, for comparing.

    >>> folded("Dürer, ÉCOLE")
    'durer, ecole'
    """
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).casefold()
