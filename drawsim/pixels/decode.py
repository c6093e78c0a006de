"""From an image file of any common kind to RGB pixels: the one place where drawsim reads images."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import UnidentifiedImageError

from drawsim.common.opening import CannotOpenError, open_regular
from drawsim.pixels.decoding.jpeg_xl import size_of_jpeg_xl
from drawsim.pixels.decoding.pillow_images import open_image, orientation, read_pillow
from drawsim.pixels.decoding.raster import Raster
from drawsim.pixels.decoding.tiff import read_tiff
from drawsim.pixels.decoding.tiff_pages import open_tiff, pages_of
from drawsim.pixels.decoding.wanted import BYTES_PER_PIXEL, TIMES, Wanted
from drawsim.pixels.decoding.wanted import DEFAULT_MAX_PIXELS as DEFAULT_MAX_PIXELS
from drawsim.pixels.decoding.wanted import ImageReadError as ImageReadError
from drawsim.pixels.decoding.wanted import TooManyPixelsError as TooManyPixelsError
from drawsim.pixels.formats import HEAD, JPEG_XL, NAMES, TIFF, Format, other_kind, recognise

DECODING = 2
"""Another number where the same file would give other pixels: what was made of them is then made
anew."""
ROOM = 1 << 26
"""Bytes for profiles, thumbnails and further pages."""


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    pixels: uint8, height x width x 3, sRGB, upright. width, height: upright, of the file, which may
    have been decoded at reduced size. notes: what people should know of it, each a clause.
    """

    pixels: np.ndarray
    width: int
    height: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What a file says before its pixels: its format, its size upright, how many pages it has and
    the number of the main one, from 0."""

    format: Format
    width: int
    height: int
    pages: int
    main: int


def read_image(
    path: Path,
    min_size: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    *,
    profiles: bool = True,
    reduced: bool = True,
    page: int | None = None,
) -> np.ndarray:
    """Read an image file as RGB.

    Returns uint8, height x width x 3, C-contiguous, upright (Exif orientation applied). Of an
    animation it is the first frame, of a TIFF of several pages the main one: not a thumbnail.
    Colours of an embedded profile are turned into sRGB by perceptual intent, unless `profiles` is
    false; a profile that is broken or of other colours is ignored, and so are inks without one
    taken as they are. Transparent parts are laid over white. Gray and colours with more than 8 bits
    are scaled, not clipped: by their full range; floating point by 0..1, 0..255 or 0..65535,
    whichever is the first to hold all values, else by the image's own smallest and largest value;
    32-bit by 0..65535 if that holds all, else by its full range, with a sign by its own.

    `min_size` in pixels: the image may come smaller than the file has it, by 1/2, 1/4 or 1/8, as
    long as both sides keep at least `min_size`. JPEG decodes faster so; other formats come at full
    size. `max_pixels` bounds width times height of the result. What has more in the file, up to
    `TIMES` as many, is decoded at reduced size without ever being in memory as a whole, if its
    format allows that and `reduced` is true; else it is refused. `page` counts from 0 the pages
    that `read_header` does.

    Raises ImageReadError, and nothing else, for a file that is missing, unreadable, not an image,
    damaged, cut short, of a kind that is not read, or too large. Damage within a JPEG that its
    decoder bridges goes unnoticed.
    """
    return decode(path, Wanted(min_size, max_pixels, reduced, profiles, page)).pixels


def decode(path: Path, wanted: Wanted) -> Picture:
    """Read an image file as `read_image` does, with what is to be said of it."""
    try:
        with open_image_file(path, wanted.max_pixels) as file:
            raster = _raster(file, wanted)
            pixels = raster.to_rgb(wanted.profiles)
    except ImageReadError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise type(error)(f"{path}: {reason}") from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise ImageReadError(f"{path}: {_why_undecodable(error, path)}") from error
    turned = raster.orientation >= 5
    width, height = (raster.height, raster.width) if turned else (raster.width, raster.height)
    return Picture(pixels, width, height, tuple(raster.notes))


def open_image_file(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> IO[bytes]:
    """Open an image file: a regular one, no larger than an image of `max_pixels` can be.

    Raises ImageReadError for anything else: nothing waits for a pipe or reads a device to its end.
    """
    most = ROOM + BYTES_PER_PIXEL * max_pixels
    try:
        file = open_regular(path, TIMES * most, "data.max_pixels")
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
    except CannotOpenError as error:
        raise ImageReadError(f"{path}: {error.reason}") from error
    if not size:
        file.close()
        raise ImageReadError(f"{path}: is empty (0 bytes)")
    return file


def read_header(file: IO[bytes]) -> Header:
    """What an image file says before its pixels, none of which are decoded.

    Raises ImageReadError, without a path, for what is no image, and what decoders raise.
    """
    format_ = _format(file)
    if format_ is TIFF:
        with open_tiff(file) as tiff:
            pages = pages_of(tiff)
            main = pages.pictures[pages.main]
            size, turn = main.size, main.orientation
        count, number = len(pages.pictures), pages.main
    elif format_ is JPEG_XL:
        size, turn, count, number = size_of_jpeg_xl(file), 1, 1, 0
    else:
        image = open_image(file, format_)
        size, turn, count, number = image.size, orientation(image, format_, file), 1, 0
    width, height = size if turn < 5 else size[::-1]
    return Header(format_, width, height, count, number)


def _raster(file: IO[bytes], wanted: Wanted) -> Raster:
    format_ = _format(file)
    if format_ is TIFF:
        return read_tiff(file, wanted)
    if wanted.page:
        raise ImageReadError(f"is {format_.name}, of which one image is read, not page by page")
    if format_ is JPEG_XL:
        wanted.factor(*size_of_jpeg_xl(file))  # its reader decodes it while opening
    return read_pillow(file, format_, wanted)


def _format(file: IO[bytes]) -> Format:
    """The format of a file, which is then at its beginning. Raises ImageReadError."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    format_ = recognise(head)
    if format_ is None:
        what = other_kind(head)
        found = f"a kind that is read, but {what}" if what else "a known kind, or is damaged"
        raise ImageReadError(f"is not an image of {found} (read are {NAMES})")
    if format_.lacks:
        raise ImageReadError(f"is {format_.name}: {format_.lacks}")
    return format_


def _why_undecodable(error: Exception, path: Path) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not an image of a known kind, or its beginning is damaged"
    if isinstance(error, MemoryError):
        return "needs more memory than there is to decode"
    if "truncated" in str(error).lower():
        size = path.stat().st_size
        length = f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
        return f"cannot be decoded (truncated after {length})"
    if "libjxl" in str(error):  # it says how to build it
        return "cannot be decoded (it is damaged)"
    return f"cannot be decoded ({' '.join(str(error).split())})"
