"""What is wanted of an image file, and what is said when it cannot be had."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drawsim.common.errors import UserError

DEFAULT_MAX_PIXELS = 178_956_970
"""Pillow's own limit against decompression bombs, twice the initial `Image.MAX_IMAGE_PIXELS`."""
BYTES_PER_PIXEL = 16
"""Four channels of float32: what a pixel of `max_pixels` may take without any compression."""
TIMES = 8
"""How many times `max_pixels` an image may have that is decoded at reduced size."""
MOST_REDUCED = 8
"""The strongest reduction that is chosen freely, 1/8 of each side: what JPEG can do."""


class ImageReadError(UserError):
    """An image file that cannot be used; the text is `<path>: <reason>`."""


class TooManyPixelsError(ImageReadError):
    """An image with more pixels than a setting allows; the text names the setting."""


@dataclass(frozen=True)
class Wanted:
    """How an image is to be decoded.

    min_size: pixels that each side keeps at least if the image comes smaller than the file has it;
    None: as large as can be. max_pixels: of the result; and of the file, unless it can be decoded
    at reduced size without ever being in memory as a whole. reduced: whether that is allowed.
    profiles: whether embedded colour profiles count. page: of a file of many pages, from 0;
    None: the main one.
    """

    min_size: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    reduced: bool = True
    profiles: bool = True
    page: int | None = None

    def factor(self, width: int, height: int) -> int:
        """By what to divide the sides of an image of this size while it is decoded; 1: it fits.

        Raises ImageReadError for one that is too large in any case.
        """
        pixels = width * height
        if pixels <= self.max_pixels:
            return 1
        if not self.reduced or pixels > TIMES * self.max_pixels:
            raise too_large(width, height, self.max_pixels)
        least = math.ceil(math.sqrt(pixels / self.max_pixels))
        while math.ceil(width / least) * math.ceil(height / least) > self.max_pixels:
            least += 1
        spare = min(width, height) // self.min_size if self.min_size else 1
        return max(least, min(spare, MOST_REDUCED))


def too_large(width: int, height: int, max_pixels: int, why: str = "") -> ImageReadError:
    """What is said of an image with too many pixels; why: it cannot be decoded at reduced size."""
    return TooManyPixelsError(
        f"has {width} x {height} = {width * height:,} pixels, more than "
        f"data.max_pixels={max_pixels} allows{why and f', and {why}'}; raise that setting if the "
        "file can be trusted"
    )


def not_read(what: str) -> ImageReadError:
    """What is said of a kind of TIFF that is not read; what: it is or has."""
    return ImageReadError(f"{what}: not read; save it as a plain TIFF or as PNG")
