"""Images that Pillow decodes: every format but TIFF."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, cast

import numpy as np
from PIL import Image

from drawsim.pixels.decoding.netpbm import is_plain, read_plain
from drawsim.pixels.decoding.png_rows import exif_of_png, rows_of_png
from drawsim.pixels.decoding.profiles import Mode
from drawsim.pixels.decoding.raster import (
    Raster,
    finite_range,
    over_white,
    range_of_gray,
    to_8_bits,
)
from drawsim.pixels.decoding.shrinking import shrink_rows
from drawsim.pixels.decoding.wanted import ImageReadError, Wanted, too_large
from drawsim.pixels.formats import AVIF, GIF, HEIC, JPEG, JPEG2000, JPEG_XL, PNG, WEBP, Format

ANIMATED = "an animation: its first frame is taken"
MANY_IMAGES = "holds several images: the main one is taken"
_ORIENTATION = 0x0112  # the Exif tag


def open_image(file: IO[bytes], format_: Format) -> Image.Image:
    """An image of this format and no other, its header read. Raises what Pillow raises."""
    if format_.module:
        module = import_module(format_.module)  # JPEG XL: importing it tells Pillow
        if format_ is HEIC:
            module.register_heif_opener()
    with pillow_limit_lifted():
        return Image.open(file, formats=[format_.pillow])


def read_pillow(file: IO[bytes], format_: Format, wanted: Wanted) -> Raster:
    """Decode an image. Raises ImageReadError for one that is too large, else what Pillow raises."""
    image = open_image(file, format_)
    width, height = image.size
    notes = [note for note in [_more_images(image, format_)] if note]
    factor = wanted.factor(width, height)
    if factor == 1:
        if wanted.min_size:
            image.draft(None, (wanted.min_size, wanted.min_size))
        raster = read_plain(file, image.size) if is_plain(file, format_) else to_raster(image)
    else:
        notes.append("was decoded at reduced size")
        raster = _read_reduced(file, image, format_, factor, wanted)
    raster.width, raster.height = width, height
    raster.orientation = orientation(image, format_, file)
    raster.notes += notes
    return raster


def orientation(image: Image.Image, format_: Format, file: IO[bytes]) -> int:
    """The Exif orientation, 1 (upright) to 8; 1 too where there is none or it is nonsense.

    No pixels are decoded for it.

    What JPEG XL decodes to is upright already (ISO/IEC 18181-2: its Exif orientation is ignored);
    but where a JPEG was packed as it is, its reader hands that out.
    """
    if format_ is JPEG_XL and not getattr(image, "jpeg", False):
        return 1
    try:
        if format_ is PNG:  # Pillow decodes the image before it answers
            exif = Image.Exif()
            exif.load(exif_of_png(file))
        else:
            exif = image.getexif()
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # damaged Exif data says nothing about the pixels
        return 1
    return value if value in range(1, 9) else 1


def _more_images(image: Image.Image, format_: Format) -> str | None:
    if format_ in (GIF, PNG, WEBP, AVIF) and getattr(image, "is_animated", False):
        return ANIMATED
    return MANY_IMAGES if format_ is HEIC and getattr(image, "n_frames", 1) > 1 else None


def _read_reduced(
    file: IO[bytes], image: Image.Image, format_: Format, factor: int, wanted: Wanted
) -> Raster:
    """Decode an image with its sides divided by `factor`, or more where the format has steps."""
    width, height = image.size
    halvings = math.ceil(math.log2(factor))

    def refusal(why: str) -> ImageReadError:
        return too_large(width, height, wanted.max_pixels, why)

    if format_ is PNG:
        if image.info.get("interlace"):
            raise refusal("an interlaced PNG cannot be decoded at reduced size: save it without")
        blocks = (_block(to_raster(open_image(part, PNG))) for part in rows_of_png(file))
        pixels = shrink_rows(blocks, width, height, factor)
        gray = pixels.shape[2] == 1
        profile = image.info.get("icc_profile")
        mode: Mode = "L" if gray else "RGB"
        return Raster(pixels[:, :, 0] if gray else pixels, mode, width, height, profile)
    if format_ is JPEG:
        if image.info.get("progressive"):
            cure = "`jpegtran -outfile NEW.jpg OLD.jpg` writes one that can"
            raise refusal(f"a progressive JPEG cannot be decoded at reduced size ({cure})")
        image.draft(None, (width >> halvings, height >> halvings))
    elif format_ is JPEG2000:
        image.reduce = halvings  # type: ignore[method-assign,assignment]
    else:
        raise refusal(
            f"{format_.name} cannot be decoded at reduced size: save it as JPEG, PNG or TIFF"
        )
    return to_raster(image)


def _block(raster: Raster) -> np.ndarray:
    return raster.pixels[:, :, None] if raster.pixels.ndim == 2 else raster.pixels


def to_raster(image: Image.Image) -> Raster:
    """Decode what is open; the size is what comes of it."""
    image.load()
    profile = image.info.get("icc_profile")
    pixels, mode = image, image.mode
    clear = image.info.get("transparency")
    if mode.startswith("I") or mode == "F":
        samples = np.asarray(image)
        ends = (0.0, 65535.0) if mode.startswith("I;16") else _range(samples)
        gray = to_8_bits(samples, *ends)
        if isinstance(clear, int):
            gray = over_white(gray, np.where(samples == clear, 0, 255).astype(np.uint8), False, 255)
        return Raster(gray, "L", *image.size, profile)
    if mode == "LA":
        both = np.asarray(image)
        gray = over_white(both[:, :, 0], both[:, :, 1], False, 255)
        return Raster(gray, "L", *image.size, profile)
    if image.has_transparency_data:
        four = np.asarray(image.convert("RGBA"))
        flat = over_white(four[:, :, :3], four[:, :, 3], False, 255)
        return Raster(flat, "RGB", *image.size, profile)
    if mode == "1":
        pixels = image.convert("L")
    elif mode not in ("L", "RGB", "CMYK"):
        pixels = image.convert("RGB")
    return Raster(np.asarray(pixels), cast(Mode, pixels.mode), *image.size, profile)


def _range(samples: np.ndarray) -> tuple[float, float]:
    return range_of_gray(samples.dtype, *finite_range(samples))


_opening = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child process must not inherit the lock while it is held
    os.register_at_fork(
        before=_opening.acquire,
        after_in_parent=_opening.release,
        after_in_child=_opening.release,
    )


@contextmanager
def pillow_limit_lifted() -> Iterator[None]:
    """Hold back Pillow's own size check, which warns too early and cannot be set per call.

    Opening reads the header only, so `max_pixels` is in force before any pixel is decoded. The
    limit is one variable of the whole process, hence the lock.
    """
    with _opening:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
