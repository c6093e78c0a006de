"""Parts of a picture at a wished size, and pictures in a row, as images to be sent or kept."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

QUALITY = 88  # JPEG


def rendered(
    pixels: np.ndarray,
    whole: tuple[int, int],
    region: tuple[int, int, int, int],
    size: tuple[int, int],
) -> Image.Image:
    """A region of a picture at a size, (width, height).

    pixels: (height, width, 3) uint8 RGB, which may be fewer than the picture has. whole: width and
    height of the picture, in whose pixels the region is: x, y, width, height.
    """
    across, down = pixels.shape[1] / whole[0], pixels.shape[0] / whole[1]
    x, y, width, height = region
    right = min((x + width) * across, pixels.shape[1])
    bottom = min((y + height) * down, pixels.shape[0])
    # A region of less than a pixel of what was decoded is that pixel.
    left, top = min(x * across, right - 1), min(y * down, bottom - 1)
    box = (max(left, 0.0), max(top, 0.0), right, bottom)
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0)


def in_a_row(
    pictures: Sequence[np.ndarray],
    boxes: Sequence[tuple[int, int, int, int]],
    size: tuple[int, int],
    ground: str,
) -> Image.Image:
    """Pictures where they lie on a page of `size`, width and height.

    boxes: x, y, width, height of each, in pixels of the page. ground: the colour of the page.
    """
    page = Image.new("RGB", size, ground)
    for pixels, (x, y, *small) in zip(pictures, boxes, strict=True):
        own = pixels.shape[1], pixels.shape[0]
        page.paste(rendered(pixels, own, (0, 0, *own), (small[0], small[1])), (x, y))
    return page


def as_jpeg(image: Image.Image) -> bytes:
    """An image as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
