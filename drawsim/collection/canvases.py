"""Where pictures that came by IIIF lie on the canvases of their museums."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.tables import Collection

_BOX = re.compile(r"(\d{1,9}),(\d{1,9}),([1-9]\d{0,8}),([1-9]\d{0,8})")


@dataclass(frozen=True)
class Place:
    """A place on a canvas. manifest: of the canvas, "" if it is not known.

    box: x, y, width, height in pixels of the canvas; None: it is not known.
    """

    canvas: str
    manifest: str
    box: tuple[int, int, int, int] | None

    def part(self, box: tuple[float, float, float, float]) -> tuple[int, int, int, int] | None:
        """A box of fractions of the picture in pixels of the canvas, at least one wide and high."""
        if self.box is None:
            return None
        x, y, width, height = self.box
        left, top = x + round(box[0] * width), y + round(box[1] * height)
        return (
            left,
            top,
            max(x + round((box[0] + box[2]) * width) - left, 1),
            max(y + round((box[1] + box[3]) * height) - top, 1),
        )


Places = dict[tuple[Kind, str], Place]
"""By kind and id of the picture."""


def places_of(collection: Collection) -> Places:
    """The places of the pictures that have one: columns `canvas`, `canvas_box` and `manifest`.

    Other texts than addresses of the web are no canvases.
    """
    found: Places = {}
    for kind in KINDS:
        table = collection.drawings if kind == "drawing" else collection.artworks
        if "canvas" not in table.columns:
            continue
        for image, row in table.to_dict("index").items():
            cells = {str(name): str(cell) for name, cell in row.items()}
            canvas = cells["canvas"]
            if re.match(r"https?://[^\s\"<>]+$", canvas):
                box = _box(cells.get("canvas_box", ""))
                found[kind, str(image)] = Place(canvas, cells.get("manifest", ""), box)
    return found


def _box(text: str) -> tuple[int, int, int, int] | None:
    match = _BOX.fullmatch(text)
    if match is None:
        return None
    x, y, width, height = map(int, match.groups())
    return x, y, width, height
