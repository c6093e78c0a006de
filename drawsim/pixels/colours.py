"""Which colours a picture uses: the eleven basic ones, told apart in CIELAB.

Each pixel of a small version is given the basic colour (Berlin and Kay, "Basic color terms", 1969)
whose focal value is nearest in CIELAB, and a picture uses a colour if enough of its pixels have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from drawsim.common.progress import progress_bar
from drawsim.pixels.decode import ImageReadError, decode
from drawsim.pixels.decoding.wanted import Wanted
from drawsim.pixels.parallel import in_processes

FOCAL = {
    "white": (245, 243, 236),
    "gray": (140, 140, 138),
    "black": (30, 29, 30),
    "red": (190, 35, 42),
    "orange": (232, 128, 36),
    "yellow": (240, 208, 50),
    "green": (52, 128, 62),
    "blue": (38, 92, 168),
    "purple": (112, 58, 130),
    "pink": (232, 150, 170),
    "brown": (112, 74, 46),
}
"""Basic colours and an RGB value in the middle of each, as paint and crayons have it."""
SIDE = 64
"""Pixels of a side of what is looked at."""
USED = 0.05
"""Share of pixels from which on a colour is used: a stroke more than an accident."""
_BATCH = 16


def lab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIELAB (D65) of (…, 3) sRGB: L 0..100, a and b about -128..127."""
    flat = np.asarray(pixels, np.float32).reshape(1, -1, 3) / np.float32(255)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB)).reshape(pixels.shape)


_FOCAL_LAB = lab(np.array(list(FOCAL.values()), np.uint8))


def shares(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of pixels of each basic colour, (11,), of an (h, w, 3) RGB picture."""
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    apart = ((lab(small)[:, None] - _FOCAL_LAB) ** 2).sum(axis=2)
    counts = np.bincount(apart.argmin(axis=1), minlength=len(FOCAL))
    return (counts / len(small)).astype(np.float32)


def colours_of(paths: Sequence[Path], *, max_pixels: int, workers: int) -> NDArray[np.float32]:
    """The shares of each picture, (N, 11); nan for one that cannot be read. Processes share it."""
    found = np.full((len(paths), len(FOCAL)), np.nan, np.float32)
    work = partial(_shares_of_file, max_pixels=max_pixels)
    used = workers if len(paths) > 2 * _BATCH else 1
    with progress_bar("looking at colours", len(paths), "images") as advance:
        for row, own in enumerate(in_processes(work, iter(paths), used, batch=_BATCH)):
            if own is not None:
                found[row] = own
            advance()
    return found


def _shares_of_file(path: Path, max_pixels: int) -> NDArray[np.float32] | None:
    try:
        return shares(decode(path, Wanted(SIDE, max_pixels)).pixels)
    except ImageReadError:
        return None
