"""What the script of the page draws: motifs as plain values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from drawsim.reporting.collection.counts import UNKNOWN, country_codes, country_name, filled
from drawsim.reporting.collection.world_map import read_world
from drawsim.reporting.motifs.pictures import Pictures
from drawsim.reporting.motifs.sheets import PRINTED
from drawsim.reporting.motifs.view import MotifsView, found_of
from drawsim.reporting.motifs.words import (
    capital,
    finding_words,
    leaning_words,
    near_words,
    odds_words,
    source_words,
    summary_words,
    value_words,
)
from drawsim.retrieval.motifs.files import Motif
from drawsim.retrieval.motifs.named import Named

ROWS = 8
"""Of the table of who draws a motif, those that are drawn: what is found, then the next likely."""
SAID = 4
"""Findings of a motif that are sentences."""


@dataclass(frozen=True)
class Origins:
    """Where drawings are from and when: a code and a year of each, by id; empty where unknown.

    A column that the collection lacks, or in which all say the same, is empty.
    """

    country: pd.Series[str]
    year: pd.Series[str]

    @classmethod
    def of(cls, drawings: pd.DataFrame) -> Origins:
        """Those of a table of drawings."""
        nothing = pd.Series("", index=drawings.index, dtype=str)
        country = country_codes(drawings) if "country" in drawings.columns else nothing
        year = filled(drawings, "year") if "year" in drawings.columns else nothing
        year = year.where(year.str.fullmatch("[0-9]{1,4}"), "")
        return cls(_told(country.where(country != UNKNOWN, "")), _told(year))


def _told(values: pd.Series[str]) -> pd.Series[str]:
    """The values, if there are several."""
    several = values[values != ""].nunique() > 1
    return values if several else pd.Series("", index=values.index, dtype=str)


def page_data(view: MotifsView, pictures: Pictures) -> dict[str, Any]:
    """All motifs, the years of the collection, and the map where countries are known."""
    origins = Origins.of(view.drawings)
    rows = dict(iter(view.who.groupby("motif", sort=False)))
    nobody = view.who.iloc[:0]
    groups = [
        _group(view, motif, n, rows.get(motif.id, nobody), origins, pictures)
        for n, motif in enumerate(view.found.motifs, start=1)
    ]
    years = Counter(origins.year[origins.year != ""].astype(int).tolist())
    return {
        "drawings": view.found.drawings,
        "groups": groups,
        "years": sorted(years.items()),
        "world": world_data() if (origins.country != "").any() else None,
    }


def world_data() -> dict[str, Any]:
    """The map: its size, and of each place its name, outlines as SVG, and its dot or none."""
    world = read_world()
    places = {
        code: [place.name, "".join(map(_path, place.rings)), place.dot]
        for code, place in world.places.items()
    }
    return {"width": world.width, "height": world.height, "places": places}


def _path(ring: tuple[int, ...]) -> str:
    corners = [f"{x},{y}" for x, y in zip(ring[::2], ring[1::2], strict=True)]
    return f"M{' '.join(corners)}Z"


def _group(
    view: MotifsView,
    motif: Motif,
    number: int,
    who: pd.DataFrame,
    origins: Origins,
    pictures: Pictures,
) -> dict[str, Any]:
    """One motif; `number` is its place among all."""
    members = list(motif.members)
    countries = Counter(code for code in origins.country.reindex(members, fill_value="") if code)
    years = Counter(int(year) for year in origins.year.reindex(members, fill_value="") if year)
    summary = summary_words(motif, len(countries), list(years))
    known, said = source_words(view, motif, summary)
    on_map = read_world().places
    found = found_of(who, view.level)
    leanings = view.leanings[view.leanings["motif"] == motif.id]
    others = who[(who["q"] > view.level) & (who["count"] > 0)].sort_values("p", kind="stable")
    listed = pd.concat([found, others]).head(ROWS)
    named = view.named.get(motif.id, Named())
    return {
        "id": motif.id,
        "name": named.name,
        "tags": list(named.tags),
        "removed": [place for place, name in enumerate(members) if name in named.removed],
        "sheet": number if number <= PRINTED else None,
        "stability": round(motif.stability, 2),
        "confirmed": None if motif.confirmed is None else round(motif.confirmed, 2),
        "members": members,
        "pictures": pictures.of_members(number),
        "missing": pictures.missing(number),
        "files": pictures.addresses(number),
        "rights": _rights(view, members[: pictures.of_members(number)]),
        "summary": summary,
        "source": known,
        "said": said,
        "findings": [leaning_words(row) for row in leanings.head(SAID).itertuples()],
        "more": max(0, len(leanings) - SAID),
        "surprise": 0.0
        if found.empty
        else round(-math.log10(max(float(found["p"].min()), 1e-300)), 2),
        "rows": [_row(row, view.level) for row in listed.itertuples()],
        "countries": dict(countries.most_common()),
        "names": [country_name(code) for code in countries],
        "off": sum(count for code, count in countries.items() if code not in on_map),
        "years": sorted(years.items()),
        "near": _near(view, motif, pictures),
        "match": pictures.match(number),
        "matched": view.matches[motif.id].member if motif.id in view.matches else None,
    }


def _rights(view: MotifsView, names: list[str]) -> list[str]:
    """Whose the pictured drawings are; empty where nothing is known of any."""
    lines = [view.captions("drawing", name).rights.line for name in names]
    return lines if any(lines) else []


def _row(row: Any, level: float) -> dict[str, Any]:
    odds = odds_words(row)
    return {
        "value": capital(value_words(str(row.column), str(row.value))),
        "text": f"{row.count:,} of {row.known:,}",
        "expected": f"{row.expected:.1f}",
        "odds": [_finite(row.odds_ratio), _finite(row.low), _finite(row.high)],
        "tip": f"{finding_words(row)}; {odds}, q = {row.q:.2g}",
        "found": bool(row.q <= level),
    }


def _finite(number: float) -> float | None:
    """The number, or None for infinity, which JSON has not."""
    return float(f"{number:.3g}") if math.isfinite(number) else None


def _near(view: MotifsView, motif: Motif, pictures: Pictures) -> list[dict[str, Any]]:
    if view.sources is None:
        return []
    every = []
    for near in view.sources.by_motif[motif.id]:
        caption = view.captions("artwork", near.artwork)
        every.append(
            {
                "id": near.artwork,
                "title": caption.title,
                "artist": caption.artist,
                "rights": caption.rights.line,
                "picture": pictures.artwork(near.artwork),
                "text": near_words(near, motif, view.sources),
                "confirmed": near.confirmed > 0,
            }
        )
    return every
