"""Making an image smaller while it is decoded, so that it is never in memory as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np


def shrink_rows(blocks: Iterable[np.ndarray], width: int, height: int, factor: int) -> np.ndarray:
    """Average squares of factor × factor pixels of an image that comes from top to bottom.

    blocks: (rows, width, channels) each, in all `height` rows; uint8, uint16 or float32. Returns
    (⌈height / factor⌉, ⌈width / factor⌉, channels) of the same dtype; where the image ends within
    a square, its last row or column is repeated.
    """
    shape = math.ceil(height / factor), math.ceil(width / factor)
    small: np.ndarray | None = None
    rest: np.ndarray | None = None
    row = done = 0
    for block in blocks:
        row += len(block)
        rows = block if rest is None else np.concatenate([rest, block])
        whole = len(rows) if row == height else len(rows) // factor * factor
        if small is None:
            small = np.empty((*shape, block.shape[2]), block.dtype)
        if whole:
            piece = _averaged(rows[:whole], factor)
            small[done : done + len(piece)] = piece
            done += len(piece)
        rest = np.array(rows[whole:])
    if small is None or done < shape[0]:
        raise ValueError(f"truncated: {row} of {height} rows are there")
    return small


def _averaged(rows: np.ndarray, factor: int) -> np.ndarray:
    height, width, channels = rows.shape
    below, right = -height % factor, -width % factor
    if below or right:
        rows = cv2.copyMakeBorder(rows, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = ((width + right) // factor, (height + below) // factor)
    small = cv2.resize(np.ascontiguousarray(rows), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small).reshape(size[1], size[0], channels)
