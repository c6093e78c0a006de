"""Confirmed pairs, each on a canvas: the drawing, the artwork, what people marked in them."""

from __future__ import annotations

from collections.abc import Mapping

from drawsim.collection.iiif.documents import Part, Region
from drawsim.collection.iiif.names import file_name
from drawsim.common.errors import UserError
from drawsim.reporting.iiif.export import Entry, Group
from drawsim.workflows.export.catalogue import Catalogue

FACTS = {"grade": "Grade", "annotator": "Judged by", "annotated_at": "Judged at", "note": "Note"}
"""Columns of pairs.csv that a canvas tells, and how it calls them."""


def pairs_of(catalogue: Catalogue) -> list[Group]:
    """The confirmed pairs of originals. Raises UserError if there is none."""
    pairs = catalogue.collection.true_pairs
    pairs = pairs[pairs["drawing_id"] == pairs["parent"]]
    entries = []
    for row in pairs.to_dict("records"):
        cells = {str(column): str(cell) for column, cell in row.items()}
        drawing = catalogue.picture("drawing", cells["drawing_id"])
        artwork = catalogue.picture("artwork", cells["artwork_id"])
        assert drawing is not None  # a collection's pairs name its own pictures
        assert artwork is not None
        entries.append(
            Entry(
                file_name(drawing.id, artwork.id),
                f"{catalogue.label(drawing)} – {catalogue.label(artwork)}",
                (drawing, artwork),
                [(name, cells[column]) for column, name in FACTS.items() if cells.get(column)],
                marked(cells),
            )
        )
    if not entries:
        raise UserError(f"{catalogue.collection.root / 'pairs.csv'}: no confirmed pair to export")
    return [Group("pairs", f"{catalogue.name}: confirmed pairs", entries)]


def marked(cells: Mapping[str, str]) -> list[Region]:
    """What annotators marked in a pair, by the columns that `annotate export` writes."""
    parts = (part_in(cells.get("drawing_box", "")), part_in(cells.get("artwork_box", "")))
    if parts == (None, None):
        return []
    says = cells.get("note") or "marked by whoever judged the pair"
    return [Region("marked", parts, says, cells.get("annotator", ""))]


def part_in(text: str) -> Part | None:
    """A box in a cell, `x,y,width,height` as fractions; None for anything else.

    >>> part_in("0.1,0.2,0.5,0.25"), part_in("1,2,3,4"), part_in("")
    ((0.1, 0.2, 0.5, 0.25), None, None)
    """
    try:
        x, y, width, height = map(float, text.split(","))
    except ValueError:
        return None
    inside = x >= 0 and y >= 0 and x + width <= 1 + 1e-6 and y + height <= 1 + 1e-6
    return (x, y, width, height) if inside and width > 0 and height > 0 else None
