"""From an image file of any common kind to RGB pixels: the one place where drawsim reads images."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from drawsim.common.errors import UserError

DEFAULT_MAX_PIXELS = 178_956_970
"""Pillow's own limit against decompression bombs, twice the initial `Image.MAX_IMAGE_PIXELS`."""

BYTES_PER_PIXEL = 16
"""Four channels of float32: the most that a file stores for a pixel without any compression."""
ROOM = 1 << 26
"""Bytes for profiles, thumbnails and further pages."""
_ORIENTATION = 0x0112  # the Exif tag


class ImageReadError(UserError):
    """An image file that cannot be used; the text is `<path>: <reason>`."""


def read_image(
    path: Path, min_size: int | None = None, max_pixels: int = DEFAULT_MAX_PIXELS
) -> np.ndarray:
    """Read an image file as RGB.

    Returns uint8, height x width x 3, C-contiguous, upright (Exif orientation applied). Of an
    animation it is the first frame. Colour profiles are ignored. Transparent parts are laid over
    white. Gray with more than 8 bits is scaled, not clipped: 16-bit by its full range; 32-bit and
    floating point by 0..1 (floating point only), 0..255 (floating point only) or 0..65535,
    whichever is the first to hold all values, else by the image's own smallest and largest value.

    `min_size` in pixels: the image may come smaller than the file has it, by 1/2, 1/4 or 1/8, as
    long as both sides keep at least `min_size`. JPEG decodes faster so; other formats come at full
    size. `max_pixels` bounds width times height in the file.

    Raises ImageReadError, and nothing else, for a file that is missing, unreadable, not an image,
    damaged, cut short, or too large. Damage within a JPEG that its decoder bridges goes unnoticed.
    """
    data = read_file(path, max_pixels)
    try:
        pixels = _decode(data, min_size, max_pixels)
    except ImageReadError as error:
        raise ImageReadError(f"{path}: {error}") from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise ImageReadError(f"{path}: {_why_undecodable(error, len(data))}") from error
    return np.array(pixels, order="C")  # a copy: what Pillow hands out is read-only


def read_file(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> bytes:
    """The bytes of an image file: a regular file, no larger than an image of `max_pixels` can be.

    Raises ImageReadError for anything else: nothing waits for a pipe or reads a device to its end.
    """
    try:
        check_regular(path)
        with open(path, "rb", opener=_at_once) as file:
            size = os.fstat(file.fileno()).st_size
            most = ROOM + BYTES_PER_PIXEL * max_pixels
            if size > most:
                raise ImageReadError(
                    f"{path}: has {size:,} bytes, more than an image within "
                    f"data.max_pixels={max_pixels} can have"
                )
            data = file.read(most)
    except OSError as error:
        raise ImageReadError(f"{path}: {_why_unreadable(error)}") from error
    if not data:
        raise ImageReadError(f"{path}: is empty (0 bytes)")
    return data


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting, should it have become a pipe since it was looked at."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def check_regular(path: Path) -> None:
    """Raise ImageReadError for what is no file, nor a link to one; OSError where nothing is."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ImageReadError(f"{path}: is a folder, not an image")
    if not stat.S_ISREG(mode):
        raise ImageReadError(f"{path}: is a device or a pipe, not an image")


def _decode(data: bytes, min_size: int | None, max_pixels: int) -> np.ndarray:
    with pillow_limit_lifted():
        image = Image.open(io.BytesIO(data))
    width, height = image.size
    if width * height > max_pixels:
        raise ImageReadError(
            f"has {width} x {height} = {width * height:,} pixels, more than "
            f"data.max_pixels={max_pixels} allows; raise that setting if the file can be trusted"
        )
    if min_size:
        image.draft(None, (min_size, min_size))
    image.load()
    return _upright(_rgb(image), _orientation(image))


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_to_8_bits(np.asarray(image))[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _to_8_bits(gray: np.ndarray) -> np.ndarray:
    """Scale gray of more than 8 bits to uint8, by the rule that `read_image` states."""
    tops = (1, 255, 65535) if gray.dtype.kind == "f" else (65535,)
    values = np.where(np.isfinite(gray), gray, 0).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= tops[-1]:
        low, high = 0, next(top for top in tops if high <= top)
    scale = 255 / (high - low) if high > low else 0
    return ((values - low) * scale + 0.5).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """The Exif orientation, 1 (upright) to 8; 1 too where there is none or it is nonsense."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged Exif data says nothing about the pixels
        return 1
    return value if value in range(1, 9) else 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an Exif orientation (Exif 2.32, section 4.6.4, tag 274)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


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


def _why_unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    return f"cannot be read ({error.strerror or error})"


def _why_undecodable(error: Exception, size: int) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not an image of a known kind, or its beginning is damaged"
    if isinstance(error, MemoryError):
        return "needs more memory than there is to decode"
    if "truncated" in str(error).lower():
        length = f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
        return f"cannot be decoded (truncated after {length})"
    return f"cannot be decoded ({error})"
