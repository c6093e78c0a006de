"""Images that are the same, to the byte or nearly: another photograph, size, colour or crop.

Three steps, each on what the one before it leaves. A perceptual hash turns an image into 64 bits;
hashes that differ in few bits are found by bands of them; such pairs are then looked at more
closely, for hashes alone take some line drawings on white paper for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from scipy.fft import dctn

from drawsim.common.errors import UserError
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS
from drawsim.pixels.hamming import BITS, Close, close_hashes
from drawsim.pixels.look import SIDE
from drawsim.pixels.looking import look_at_images

DISTANCE = 10
"""Bits in which the hashes of near-duplicates may differ. On 8,375 paintings, pairs of the same
work end at about 12 and pairs of different works begin to be many at 16."""

_CORRELATION = 0.8  # of near-duplicates, at least
_SHIFT = 2  # pixels of a miniature by which one image may be moved against the other
_BLANK = 2.0  # levels of standard deviation below which there is nothing to compare
_BLOCK = 1536  # miniatures transformed at once: 6 MiB


def near_duplicates(
    paths: Mapping[str, Path],
    *,
    distance: int = DISTANCE,
    workers: int,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> pd.DataFrame:
    """Pairs of images that look the same: `first`, `second` (ids), `distance` (bits, 0..64).

    `first` comes before `second` in `paths`; rows are sorted by distance, then as in `paths`.
    Images that cannot be read and blank ones are in no pair. `workers` processes read; 100,000
    images take about 200 MB. Raises UserError for a distance out of its range.
    """
    check_distance(distance)
    looks = look_at_images(
        list(paths.values()),
        max_pixels=max_pixels,
        workers=workers,
        what="looking for duplicates",
    )
    named = [
        (name, look.small)
        for name, look in zip(paths, looks, strict=True)
        if look.small is not None
    ]
    found = look_alikes([small for _, small in named], distance)
    names = np.array([name for name, _ in named], dtype=object)
    table = {"first": names[found.first], "second": names[found.second]}
    return pd.DataFrame(table | {"distance": found.distance})


def check_distance(distance: int) -> None:
    """Raise UserError unless it is a number of bits that two hashes can differ in."""
    if not 0 <= distance <= BITS:
        raise UserError(f"distance={distance}: must be a number of bits in 0..{BITS}")


def same_bytes(digests: Mapping[str, str]) -> list[list[str]]:
    """Groups of ids whose files have the same digest, in the order of the input."""
    groups: dict[str, list[str]] = {}
    for name, digest in digests.items():
        groups.setdefault(digest, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def perceptual_hashes(miniatures: np.ndarray) -> np.ndarray:
    """64 bits for each of (N, 32, 32) miniatures: (N,) uint64.

    A bit says whether a low frequency (rows and columns 1 to 8 of the discrete cosine transform)
    is above the median of the 64. C. Zauner, "Implementation and benchmarking of perceptual image
    hash functions", 2010, section 3.2.
    """
    hashes = [np.empty(0, np.uint64)]
    for start in range(0, len(miniatures), _BLOCK):
        some = np.asarray(miniatures[start : start + _BLOCK], np.float32)
        low = dctn(some, axes=(1, 2))[:, 1:9, 1:9].reshape(-1, BITS)
        above = low > np.median(low, axis=1, keepdims=True)
        hashes.append(np.packbits(above, axis=1).view(np.uint64)[:, 0])
    return np.concatenate(hashes)


def look_alikes(miniatures: Sequence[np.ndarray], distance: int) -> Close:
    """Rows of the miniatures that look the same, sorted by distance, then by row.

    Their hashes differ in at most `distance` bits, and the middle of one of them correlates by 0.8
    or more with the other, moved by up to 2 of its 32 pixels. Blank images are in no pair.
    """
    stack = np.stack(miniatures) if miniatures else np.empty((0, SIDE, SIDE), np.uint8)
    drawn = np.flatnonzero([cv2.meanStdDev(small)[1][0, 0] >= _BLANK for small in miniatures])
    found = [np.empty((3, 0), np.int64)]
    for close in close_hashes(perceptual_hashes(stack[drawn]), distance):
        pairs = np.stack([drawn[close.first], drawn[close.second], close.distance])
        same = [_correlation(stack[a], stack[b]) >= _CORRELATION for a, b, _ in pairs.T]
        found.append(pairs[:, np.array(same, bool)])
    first, second, bits_apart = np.concatenate(found, axis=1)
    order = np.lexsort((second, first, bits_apart))
    return Close(first[order], second[order], bits_apart[order])


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The best correlation of the middle of either with a part of the other."""
    middle = np.s_[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    matches = (
        cv2.matchTemplate(whole, part[middle], cv2.TM_CCOEFF_NORMED)
        for whole, part in ((one, other), (other, one))
    )
    return max(float(match.max()) for match in matches)
