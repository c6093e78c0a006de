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
    whole: tuple[int, int],
    longest: int,
    ground: str,
) -> Image.Image:
    """Pictures where they lie on a page of `whole`, its longer side `longest` pixels at most.

    boxes: x, y, width, height of each, in pixels of the page. ground: the colour of the page. The
    page is no larger than the finest of its pictures needs it.
    """
    finest = max(pixels.shape[1] / box[2] for pixels, box in zip(pictures, boxes, strict=True))
    scale = min(finest, longest / max(whole))
    page = Image.new("RGB", (_scaled(whole[0], scale), _scaled(whole[1], scale)), ground)
    for pixels, (x, y, width, height) in zip(pictures, boxes, strict=True):
        size = _scaled(width, scale), _scaled(height, scale)
        own = pixels.shape[1], pixels.shape[0]
        page.paste(rendered(pixels, own, (0, 0, *own), size), (round(x * scale), round(y * scale)))
    return page


def as_jpeg(image: Image.Image) -> bytes:
    """An image as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))
