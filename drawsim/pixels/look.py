"""A look at an image file: whether it can be used, what it is, what it looks like from afar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from drawsim.common.opening import why_unreadable
from drawsim.pixels.decode import ImageReadError, decode, open_image_file
from drawsim.pixels.decoding.wanted import Wanted

SIDE = 32  # pixels, both sides of a miniature
ENOUGH = 2 * SIDE  # pixels, both sides of what is shrunk to one, at least
GRAY = 12
"""Levels by which the channels of a gray image may differ: those of 1/32 of its width and height,
averaged, so that what the compression of a JPEG adds does not count."""


@dataclass(frozen=True)
class Look:
    """What an image file is: why it cannot be used, or size (pixels, upright), colour, bytes.

    digest: SHA-256 of the file. small: (32, 32) uint8, what images are compared by. notes: what
    people should know of it, each a clause.
    """

    reason: str | None
    width: int = 0
    height: int = 0
    colour: bool = False
    bytes: int = 0
    digest: str = ""
    small: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def look_at(path: Path, max_pixels: int) -> Look:
    """Decode an image to its end, JPEG at reduced scale, and say what it is."""
    try:
        picture = decode(path, Wanted(ENOUGH, max_pixels))
        digest, size = _digest(path, max_pixels)
    except ImageReadError as error:
        return Look(str(error).removeprefix(f"{path}: "))
    small = shrink(picture.pixels)
    channels = cv2.split(small)
    spread = cv2.max(cv2.max(*channels[:2]), channels[2]) - cv2.min(
        cv2.min(*channels[:2]), channels[2]
    )
    return Look(
        None,
        width=picture.width,
        height=picture.height,
        colour=bool(spread.max() > GRAY),
        bytes=size,
        digest=digest,
        small=miniature(small),
        notes=picture.notes,
    )


def _digest(path: Path, max_pixels: int) -> tuple[str, int]:
    """SHA-256 of a file, and its bytes. Raises ImageReadError."""
    digest, size = hashlib.sha256(), 0
    try:
        with open_image_file(path, max_pixels) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
                size += len(piece)
    except OSError as error:
        raise ImageReadError(f"{path}: {why_unreadable(error, path)}") from error
    return digest.hexdigest(), size


def shrink(image: np.ndarray) -> np.ndarray:
    """An image (uint8 RGB of any size) squashed to 32 × 32 pixels, each the mean of its area."""
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def miniature(small: np.ndarray) -> np.ndarray:
    """What images are compared by: the luminance of a shrunk one, (32, 32) uint8."""
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
