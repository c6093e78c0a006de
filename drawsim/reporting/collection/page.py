"""The page of a collection: `index.html`, one file that shows everything without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from drawsim.reporting.collection.counts import TOTAL, PairGroup
from drawsim.reporting.collection.pairs import describe_artwork
from drawsim.reporting.collection.samples import Sampling
from drawsim.reporting.kit.captions import Captions
from drawsim.reporting.kit.pages import environment
from drawsim.reporting.kit.thumbnails import SIDE, Sheet, make_sheet

if TYPE_CHECKING:
    from drawsim.reporting.collection.report import Findings

GROUPS = {"confirmed": 12, "ambiguous": 6}  # artworks whose pairs are pictured
DRAWINGS = 11  # drawings pictured for one of them


@dataclass(frozen=True)
class Stat:
    """A number of the headline and what it counts."""

    number: str
    what: str

    @classmethod
    def of(cls, number: int, what: str, many: str = "") -> Stat:
        """So many of one thing. many: what several are called, if it does not just end in s."""
        return cls(f"{number:,}", what if number == 1 else many or f"{what}s")


@dataclass(frozen=True)
class Cell:
    """A count of the table of years: a `total`, or the `share` of the largest count."""

    count: int
    total: bool
    share: float


def render(found: Findings, sampling: Sampling, files: list[str]) -> str:
    """The page as HTML. `files` are the names of what has been written beside it."""
    collection = found.collection
    shown = {kind: groups[: GROUPS[kind]] for kind, groups in found.groups.items()}
    sheet, drawings, artworks = _pictures(found, shown)
    return (
        environment()
        .get_template("collection/templates/collection.html.j2")
        .render(
            found=found,
            sampling=sampling,
            stats=_stats(found),
            countries=_rows(found.tables.get("drawings_per_country")),
            artists=_rows(found.tables.get("artworks_per_artist")),
            sizes=_rows(found.tables.get("image_sizes")),
            year_columns=list(found.tables.get("drawings_per_year_and_age_group", ())),
            year_rows=_year_rows(found.tables.get("drawings_per_year_and_age_group")),
            shown=shown,
            drawings_shown=DRAWINGS,
            captions=Captions.of(collection),
            describe=lambda artwork_id: describe_artwork(collection, artwork_id),
            sheet=sheet,
            side=SIDE,
            drawing_symbol=lambda drawing_id: sheet.symbol(drawings.get(drawing_id)),
            artwork_symbol=lambda artwork_id: sheet.symbol(artworks.get(artwork_id)),
            sample_files=[name for name in files if name.startswith("samples/")],
            folders=_folders(files),
            link=lambda name: "./" + quote(name),
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        )
    )


def _pictures(
    found: Findings, shown: dict[str, list[PairGroup]]
) -> tuple[Sheet, dict[str, Path], dict[str, Path]]:
    """Thumbnails of everything that is pictured, and the files of drawings and artworks."""
    groups = [group for groups in shown.values() for group in groups]
    ids = [id_ for sample in found.samples for id_ in sample.ids]
    ids += [id_ for group in groups for id_ in group.drawing_ids[:DRAWINGS]]
    drawings = found.collection.paths("drawing", ids)
    artworks = found.collection.paths("artwork", [group.artwork_id for group in groups])
    return make_sheet([*drawings.values(), *artworks.values()]), drawings, artworks


def _stats(found: Findings) -> list[Stat]:
    """The numbers at the top of the page, as far as the tables tell."""
    collection = found.collection
    drawings, artworks, pairs = collection.drawings, collection.artworks, collection.pairs
    stats = [Stat.of(len(drawings), "drawing")]
    years = found.tables.get("drawings_per_year")
    if years is not None:
        known = [label for label in years["year"] if label.isdecimal()]
        if known:
            several = known[0] != known[-1]
            stats.append(
                Stat(f"{known[0]} – {known[-1]}", "years") if several else Stat(known[0], "year")
            )
    countries = found.tables.get("drawings_per_country")
    if countries is not None:
        stats.append(Stat.of(int(countries["on_map"].sum()), "country", "countries"))
    if len(artworks):
        stats.append(Stat.of(len(artworks), "artwork"))
    if len(pairs):
        stats.append(Stat.of(int(pairs["pair"].sum()), "confirmed pair"))
        stats.append(Stat.of(int((~pairs["pair"]).sum()), "ambiguous pair"))
    return stats


def _year_rows(table: pd.DataFrame | None) -> list[tuple[str, list[Cell]]]:
    """Each year, and the row of totals, with its cells."""
    if table is None:
        return []
    most = table.iloc[:-1, 1:-1].to_numpy().max(initial=1)
    rows = []
    for label, *counts in table.itertuples(index=False, name=None):
        totals = [label == TOTAL] * (len(counts) - 1) + [True]
        cells = zip(counts, totals, strict=True)
        rows.append((label, [Cell(int(n), total, n / most) for n, total in cells]))
    return rows


def _rows(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    return (
        []
        if table is None
        else [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    )


def _folders(files: list[str]) -> dict[str, int]:
    """What lies beside the page: files, and folders with their number of files."""
    counts: dict[str, int] = {}
    for name in files:
        first, slash, _ = name.partition("/")
        counts[first + slash] = counts.get(first + slash, 0) + 1
    return dict(sorted(counts.items()))
