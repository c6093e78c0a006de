"""The contact sheet of a search: each query and what it found, as one page to keep or print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.common.files import write_text
from drawsim.pixels.decode import read_image
from drawsim.reporting.kit.captions import Caption, warning_of
from drawsim.reporting.kit.pages import environment, percent
from drawsim.reporting.kit.thumbnails import SIDE, data_uri, make_sheet
from drawsim.retrieval.analysis.calibration import Chance
from drawsim.retrieval.index.asked import Asked

QUERY_SIDE = 400  # pixels of the longer side of a query's picture
OVERLAY_SIDE = 900  # pixels of the longer side of an overlay: patches must stay visible
COSINE = "cosine similarities of embeddings; the larger, the nearer"

Box = tuple[float, float, float, float]
"""x, y of the upper left corner, width, height: a region of an image in its own pixels."""


@dataclass(frozen=True)
class QueryPicture:
    """One picture that was looked for.

    picture: its file, or (height, width, 3) uint8 RGB. box: the region that was looked for, where
    it was not the whole. unlike: whether results should be unlike this one. kind, id: of the index,
    where it is one of it.
    """

    name: str
    picture: Path | np.ndarray
    box: Box | None = None
    unlike: bool = False
    kind: Kind | None = None
    id: str | None = None

    @classmethod
    def of(cls, asked: Asked, unlike: bool = False) -> QueryPicture:
        """What was asked, as pages show it."""
        file = asked.file or Path()
        return cls(asked.name, file, asked.box, unlike, asked.kind, asked.id)


@dataclass(frozen=True)
class SearchSheet:
    """One query and what it found.

    query: what was looked for, in words. pictures: one, or several that were combined. hits: a row
    for each result, best first, with `rank`, `score`, `id`, and where known `path` (of the image
    file), `title`, `artist`, the columns of rights, `kind`, `above_strangers` (share of strangers
    with a lower score); `known` (bool) marks results that are confirmed pairs, and `overlay` (PIL
    image or None) shows which parts match, `query_box` and `hit_box` (`x,y,width,height`, fractions
    of the whole pictures) say where. chance: that the first result is a true match; None
    where it is not known. notes: what else should be said.
    """

    query: str
    pictures: Sequence[QueryPicture]
    hits: pd.DataFrame
    chance: Chance | None = None
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class _Query:
    """A picture as the page has it; box in per cent of its width and height."""

    name: str
    uri: str
    width: int
    height: int
    box: Box | None
    unlike: bool


def write_search(
    sheets: Sequence[SearchSheet],
    out: Path,
    *,
    model: str,
    model_in_full: str = "",
    searched: str,
    filters: Sequence[str] = (),
    scores: str = COSINE,
    above: str = "",
    calibrated: str = "",
) -> None:
    """Write the page `out`; pictures that cannot be read become empty tiles.

    model: what made the embeddings, in few words. model_in_full: the same, with hash and
    transform, for who points at it. searched: in what, as a phrase ("8,375 artworks of imaj").
    filters: what results had to fulfil, as the user wrote it. scores: what they are. above: what
    the share of strangers is that a result is above. calibrated: where chances are from.
    """
    listed = [_hits(sheet.hits) for sheet in sheets]
    thumbnails = make_sheet(hit["file"] for hits in listed for hit in hits if hit["file"])
    page = (
        environment()
        .get_template("search/templates/search.html.j2")
        .render(
            sheets=[
                (sheet, [_query(one) for one in sheet.pictures], hits)
                for sheet, hits in zip(sheets, listed, strict=True)
            ],
            model=model,
            model_in_full=model_in_full,
            searched=searched,
            filters=filters,
            scores=scores,
            above=above,
            calibrated=calibrated,
            rights=warning_of(hit["caption"].rights for hits in listed for hit in hits),
            symbol=thumbnails.symbol,
            sheet=thumbnails,
            side=SIDE,
        )
    )
    write_text(out, page)


def _hits(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A result as the page shows it: rank, score, above, kind, caption, file, known, overlay."""
    hits = []
    for row in table.to_dict("records"):
        cells = {str(name): cell for name, cell in row.items()}
        texts = {name: _text(row.get(name)) for name in ("kind", "path")}
        overlay = row.get("overlay")
        hits.append(
            {
                "rank": int(row["rank"]),
                "score": float(row["score"]),
                "above": percent(row["above_strangers"]) if "above_strangers" in row else "",
                "kind": texts["kind"],
                "caption": Caption.of(str(row["id"]), cells),
                "file": Path(texts["path"]) if texts["path"] else None,
                "known": row.get("known") is True,
                "overlay": _overlay(overlay) if isinstance(overlay, Image.Image) else None,
            }
        )
    return hits


def _text(value: object) -> str:
    """The text of a cell; empty where there is none."""
    return str(value) if isinstance(value, str | Path) else ""


def _overlay(picture: Image.Image) -> dict[str, Any]:
    small = picture.convert("RGB")
    small.thumbnail((OVERLAY_SIDE, OVERLAY_SIDE), Image.Resampling.LANCZOS)
    return {"uri": data_uri(small), "width": small.width, "height": small.height}


def _query(one: QueryPicture) -> _Query:
    """The picture made small; without an address if it cannot be read."""
    try:
        # A box is in pixels of the full image, so that must be known.
        pixels = read_image(one.picture) if isinstance(one.picture, Path) else one.picture
    except UserError:
        return _Query(one.name, "", 1, 1, None, one.unlike)
    height, width = pixels.shape[:2]
    picture = Image.fromarray(pixels)
    picture.thumbnail((QUERY_SIDE, QUERY_SIDE), Image.Resampling.LANCZOS)
    box = None
    if one.box is not None:
        x, y, wide, high = one.box
        box = (100 * x / width, 100 * y / height, 100 * wide / width, 100 * high / height)
    return _Query(one.name, data_uri(picture), *picture.size, box, one.unlike)
