"""Thousands of small pictures in a few large ones, so that a page can hold and draw them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from drawsim.common.progress import progress_bar
from drawsim.pixels.parallel import in_processes
from drawsim.reporting.kit.pictures import shrunk
from drawsim.reporting.kit.thumbnails import data_uri

SIDES = (128, 96, 64, 48, 32)
"""Pixels of a tile; multiples of 16, the blocks of WebP, so that no tile runs into another. In a
sheet a tile of paintings takes about 2,500, 1,600, 800, 500 and 250 bytes."""

PIXELS = 50_000_000
"""Of all tiles together: a browser holds them as 200 MB. 20,000 tiles of 48 pixels are just below,
and make 13 MB of a page, to which texts and positions add some."""

SHEET = 2048  # pixels of a sheet's side, at most: every browser and graphics card takes that


@dataclass(frozen=True)
class Atlas:
    """Tiles of `side` pixels in sheets of `columns` × `columns`, filled row by row.

    sheets: WebP as data URIs. sizes: (N, 2) int64, width and height of what each tile shows, from
    its upper left corner; zeros for a picture that cannot be read.
    """

    side: int
    columns: int
    sheets: list[str]
    sizes: np.ndarray


def make_atlas(files: Sequence[Path], workers: int) -> Atlas:
    """The tiles of these files, in their order, as large as their number allows.

    `workers` processes read; the pixels of one sheet are held at a time.
    """
    side = tile_side(len(files))
    columns = min(SHEET // side, max(1, math.ceil(math.sqrt(len(files)))))
    sizes = np.zeros((len(files), 2), np.int64)
    sheet = np.zeros((columns * side, columns * side, 3), np.uint8)
    sheets = []
    tiles = in_processes(partial(_tile, side=side), files, workers, batch=32)
    with progress_bar("making thumbnails", len(files), "images") as advance:
        for number, tile in enumerate(tiles):
            row, column = divmod(number % columns**2, columns)
            if tile is not None:
                height, width = tile.shape[:2]
                sizes[number] = width, height
                # What is left of the cell repeats the edge: that compresses best, and a tile that
                # is scaled smoothly gets no dark rim.
                filled = np.pad(tile, ((0, side - height), (0, side - width), (0, 0)), "edge")
                sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = filled
            if number + 1 == len(files) or (row, column) == (columns - 1, columns - 1):
                sheets.append(data_uri(Image.fromarray(sheet[: (row + 1) * side])))
                sheet[:] = 0
            advance()
    return Atlas(side, columns, sheets, sizes)


def tile_side(count: int) -> int:
    """The largest side at which that many tiles stay within PIXELS.

    >>> tile_side(200), tile_side(8000), tile_side(20_000), tile_side(1_000_000)
    (128, 64, 48, 32)
    """
    return next((side for side in SIDES if count * side**2 <= PIXELS), SIDES[-1])


def _tile(file: Path, side: int) -> np.ndarray | None:
    picture = shrunk(file, side)
    return None if picture is None else np.asarray(picture)
