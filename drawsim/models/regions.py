"""Where two pictures match, as parts of the whole pictures: for pages, files and the app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from drawsim.models.model import Model
from drawsim.pixels.decode import read_image
from drawsim.pixels.frames import SIDE, inside
from drawsim.pixels.reading import Reading
from drawsim.retrieval.index.asked import Asked
from drawsim.retrieval.reranking.spatial import Placement, extent

Part = tuple[float, float, float, float]
"""x, y, width, height as fractions of the upright picture."""


def match_columns(
    model: Model, query: Asked, files: Iterable[str], found: Sequence[Placement | None]
) -> dict[str, list[str]]:
    """`query_box` and `hit_box` of a list of results: where they match, "" where nothing is known.

    files: of the results; found: of the first of them. Of a query that is a region of a picture its
    own part is not told.
    """
    columns: dict[str, list[str]] = {"query_box": [], "hit_box": []}
    for file, placement in zip_longest(files, found):
        parts: tuple[Part | None, Part | None] = None, None
        if placement is not None:
            whole = None if query.box is not None else query.file
            parts = matched_parts(model.reading, placement, whole, Path(file))
        for column, part in zip(columns.values(), parts, strict=True):
            column.append(part_text(part))
    return columns


def matched_parts(
    reading: Reading, placement: Placement, drawing: Path | None, artwork: Path
) -> tuple[Part | None, Part]:
    """The parts of two files that match. drawing: None: which part of it, is not told."""
    own = None if drawing is None else part_of_whole(reading, drawing, extent(placement.drawing))
    return own, part_of_whole(reading, artwork, extent(placement.artwork))


def part_of_whole(reading: Reading, file: Path, part: Part) -> Part:
    """A part of what the model sees of a file as a part of all of it: frames are cut off."""
    if reading.frames == "none":
        return part
    pixels = read_image(file, SIDE)
    height, width = pixels.shape[:2]
    box = inside(pixels)
    across, down = (box.right - box.left) / width, (box.bottom - box.top) / height
    x, y = box.left / width + part[0] * across, box.top / height + part[1] * down
    return x, y, part[2] * across, part[3] * down


def part_text(part: Part | None) -> str:
    """A part as tables have it.

    >>> part_text((0.1, 0.2, 0.5, 0.25)), part_text(None)
    ('0.1,0.2,0.5,0.25', '')
    """
    return "" if part is None else ",".join(f"{each:.4g}" for each in part)
