"""What a collection holds, counted: by year, age group, country, artist and pair."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from drawsim.collection.grades import REJECTED
from drawsim.collection.names import AGE_GROUPS, display_name
from drawsim.collection.tables import TABLES, Collection, held_tables
from drawsim.collection.years import is_undated, year_of
from drawsim.reporting.collection.world_map import read_world

UNKNOWN = "unknown"  # where a cell is empty
TOTAL = "total"


@dataclass(frozen=True)
class Holdings:
    """A collection as people made it, without the style copies that a program made after it.

    collection: tables that the folder does not have are empty.
    copies: how many style copies were left out.
    absent: which of `artworks.csv` and `pairs.csv` the folder does not have.
    """

    collection: Collection
    copies: int
    absent: tuple[str, ...]


def read_holdings(root: Path) -> Holdings:
    """Read a collection folder, finished or not: `drawings.csv` alone will do.

    Pairs that people graded as different are left out: they are neither confirmed nor ambiguous.
    Raises UserError as `Collection.open` does.
    """
    held = held_tables(root)
    absent = tuple(f"{name}.csv" for name in TABLES[1:] if name not in held)
    unfinished = absent and TABLES[0] in held
    if unfinished:
        held = tuple(name for name in held if name != "pairs")  # which need both other tables
    collection = Collection.open(root, tables=held if unfinished else TABLES)
    if "grade" in collection.pairs.columns:
        kept = collection.pairs["pair"] | ~collection.pairs["grade"].isin(REJECTED)
        collection = replace(collection, pairs=collection.pairs[kept])
    return Holdings(collection.without_copies(), len(collection.copies), absent)


# Drawings


def natural_order(values: Iterable[str]) -> list[str]:
    """The distinct values: age groups by age, then by the numbers in them, unknown last.

    >>> natural_order(["unknown", "MS", "14-17", "3-5", "10-13", "100", "20"])
    ['3-5', '10-13', '14-17', 'MS', '20', '100', 'unknown']
    """

    def key(value: str) -> tuple[bool, int, list[tuple[int, str]]]:
        place = AGE_GROUPS.index(value) if value in AGE_GROUPS else len(AGE_GROUPS)
        parts = re.findall("[0-9]+|[^0-9]+", value)
        numbers = [(int(part), "") if part.isdecimal() else (10**9, part) for part in parts]
        return value.lower() == UNKNOWN, place, numbers

    return sorted(set(values), key=key)


def filled(table: pd.DataFrame, column: str) -> pd.Series[str]:
    """A column without blanks at the ends of its cells; empty ones are called unknown.

    Of the column `year` it is the first year that a cell names, or else the cell.
    """
    cells = table[column].str.strip()
    if column == "year":
        years = {cell: "" if is_undated(cell) else year_of(cell) for cell in cells.unique()}
        cells = cells.map(lambda cell: cell if years[cell] is None else str(years[cell]))
    return cells.replace("", UNKNOWN)


def per_value(drawings: pd.DataFrame, column: str) -> pd.Series[int] | None:
    """Drawings per year or age group, in natural order; None if there is no such column."""
    if column not in drawings.columns:
        return None
    counts = filled(drawings, column).value_counts()
    return counts.reindex(natural_order(counts.index)).rename("drawings")


def year_by_age(drawings: pd.DataFrame) -> pd.DataFrame | None:
    """Drawings per year (rows) and age group (columns) with totals; None if a column lacks."""
    if not {"year", "age_group"} <= set(drawings.columns):
        return None
    years, ages = filled(drawings, "year"), filled(drawings, "age_group")
    table = pd.crosstab(years, ages)
    table = table.reindex(index=natural_order(years), columns=natural_order(ages))
    table[TOTAL] = table.sum(axis=1)
    table.loc[TOTAL] = table.sum(axis=0)
    return table.rename_axis(index="year", columns="age group")


def country_codes(drawings: pd.DataFrame) -> pd.Series[str]:
    """The column `country`, codes of the map in capitals."""
    codes = filled(drawings, "country")
    capitals = codes.str.upper()
    return codes.where(~capitals.isin(list(read_world().places)), capitals)


def per_country(drawings: pd.DataFrame) -> pd.DataFrame | None:
    """`code`, `name`, `drawings` and `on_map`, most drawings first; None if there is no column.

    A code that the map does not know, ISO 3166 or not, keeps its own spelling for a name.
    """
    if "country" not in drawings.columns:
        return None
    places = read_world().places
    counts = (
        country_codes(drawings).value_counts().rename_axis("code").rename("drawings").reset_index()
    )
    counts = counts.sort_values(["drawings", "code"], ascending=[False, True], ignore_index=True)
    names = [places[code].name if code in places else code for code in counts["code"]]
    counts.insert(1, "name", names)
    return counts.assign(on_map=counts["code"].isin(list(places)))


def country_name(code: str) -> str:
    """The name and code of a country on the map, else the code alone.

    >>> country_name("MUS"), country_name("YOU")
    ('Mauritius (MUS)', 'YOU')
    """
    place = read_world().places.get(code)
    return f"{place.name} ({code})" if place else code


# Artworks and pairs


def per_artist(artworks: pd.DataFrame) -> pd.DataFrame | None:
    """`artist`, `name` (for people), `artworks`, most first; None if there is no column `artist`.

    The name is the column `artist_name`, where there is one.
    """
    if "artist" not in artworks.columns:
        return None
    artists = filled(artworks, "artist")
    counts = artists.value_counts().rename("artworks").rename_axis("artist").reset_index()
    names = {artist: display_name(artist) for artist in counts["artist"]}
    if "artist_name" in artworks.columns:
        given = artworks["artist_name"].str.strip()
        names |= dict(zip(artists[given != ""], given[given != ""], strict=True))
    counts.insert(1, "name", counts["artist"].map(names))
    return counts.sort_values(["artworks", "artist"], ascending=[False, True], ignore_index=True)


def per_artwork(pairs: pd.DataFrame) -> pd.DataFrame:
    """`artwork_id` and how many drawings it is paired with, `confirmed` and `ambiguous`."""
    confirmed = pairs.groupby("artwork_id")["pair"].sum().astype(int)
    both = pairs.groupby("artwork_id").size()
    table = pd.DataFrame({"confirmed": confirmed, "ambiguous": both - confirmed}).reset_index()
    order = ["confirmed", "ambiguous", "artwork_id"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def drawings_per_artwork(artworks: pd.DataFrame) -> pd.DataFrame:
    """How many artworks have 1, 2, … drawings: rows up to the largest number, from `per_artwork`.

    Columns `confirmed` and `ambiguous`; an artwork can be counted in both.
    """
    most = int(artworks[["confirmed", "ambiguous"]].to_numpy().max(initial=1))
    rows = pd.RangeIndex(1, most + 1, name="drawings")
    counts = {kind: artworks[kind].value_counts() for kind in ("confirmed", "ambiguous")}
    return pd.DataFrame(counts).reindex(rows).fillna(0).astype(int)


@dataclass(frozen=True)
class PairGroup:
    """An artwork and the drawings that are paired with it."""

    artwork_id: str
    drawing_ids: list[str]


def pair_groups(pairs: pd.DataFrame, *, confirmed: bool) -> list[PairGroup]:
    """The confirmed or the ambiguous pairs by artwork, those with most drawings first."""
    of_kind = pairs[pairs["pair"] == confirmed]
    groups = [
        PairGroup(str(artwork), natural_order(part["drawing_id"]))
        for artwork, part in of_kind.groupby("artwork_id")
    ]
    place = {artwork: n for n, artwork in enumerate(natural_order(of_kind["artwork_id"]))}
    return sorted(groups, key=lambda group: (-len(group.drawing_ids), place[group.artwork_id]))
