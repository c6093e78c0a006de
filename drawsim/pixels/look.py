"""A look at an image file: whether it can be used, what it is, what it looks like from afar."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from drawsim.pixels.decode import ImageReadError, pillow_limit_lifted, read_file, read_image

SIDE = 32  # pixels, both sides of a miniature
ENOUGH = 2 * SIDE  # pixels, both sides of what is shrunk to one, at least
GRAY = 12
"""Levels by which the channels of a gray image may differ: those of 1/32 of its width and height,
averaged, so that what the compression of a JPEG adds does not count."""

_ORIENTATION = 0x0112  # the Exif tag; 5 to 8 mean that width and height change places


@dataclass(frozen=True)
class Look:
    """What an image file is: why it cannot be used, or size (pixels, upright), colour, bytes.

    digest: SHA-256 of the file. small: (32, 32) uint8, what images are compared by.
    """

    reason: str | None
    width: int = 0
    height: int = 0
    colour: bool = False
    bytes: int = 0
    digest: str = ""
    small: np.ndarray | None = None


def look_at(path: Path, max_pixels: int) -> Look:
    """Decode an image to its end, JPEG at reduced scale, and say what it is."""
    try:
        image = read_image(path, min_size=ENOUGH, max_pixels=max_pixels)
        data = read_file(path, max_pixels)
    except ImageReadError as error:
        return Look(str(error).removeprefix(f"{path}: "))
    height, width = image.shape[:2]
    if data.startswith(b"\xff\xd8"):
        width, height = _size_of_jpeg(data)
    small = shrink(image)
    channels = cv2.split(small)
    spread = cv2.max(cv2.max(*channels[:2]), channels[2]) - cv2.min(
        cv2.min(*channels[:2]), channels[2]
    )
    return Look(
        None,
        width=width,
        height=height,
        colour=bool(spread.max() > GRAY),
        bytes=len(data),
        digest=hashlib.sha256(data).hexdigest(),
        small=miniature(small),
    )


def shrink(image: np.ndarray) -> np.ndarray:
    """An image (uint8 RGB of any size) squashed to 32 × 32 pixels, each the mean of its area."""
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def miniature(small: np.ndarray) -> np.ndarray:
    """What images are compared by: the luminance of a shrunk one, (32, 32) uint8."""
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def _size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Width and height, upright; from the header, as the image was decoded at reduced scale."""
    with pillow_limit_lifted(), Image.open(io.BytesIO(data)) as header:
        width, height = header.size
        turned = header.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)
