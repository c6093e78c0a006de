"""Colour profiles (ICC.1) that are embedded in images: from their colours to sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

Mode = Literal["L", "RGB", "CMYK"]
SPACES: dict[Mode, str] = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
"""What the header of a profile calls the colours of an image of this mode."""
SAME = 2
"""A profile whose colours are nowhere further from sRGB, in levels, is taken for it."""
BROKEN = "its colour profile is broken and was ignored"
_STEPS = 9  # of each ink or light, in the colours that tell whether a profile is sRGB


def to_srgb(pixels: np.ndarray, mode: Mode, profile: bytes) -> tuple[np.ndarray, str | None]:
    """Colours of a profile as sRGB, by perceptual intent; and a note if it had to be ignored.

    pixels: (height, width) uint8 of mode L, (height, width, 3 or 4) of RGB or CMYK (255 is full
    ink). Returns (height, width, 3), or the pixels as they were: of a profile that says the same as
    sRGB within two levels, or is broken, or is of other colours than the image.
    """
    transform, note = _transform(profile, mode)
    if transform is None:
        return pixels, note
    return _applied(transform, pixels, mode), None


def _applied(transform: ImageCms.ImageCmsTransform, pixels: np.ndarray, mode: Mode) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(pixels), mode)
    return np.asarray(ImageCms.applyTransform(image, transform))


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: Mode) -> tuple[ImageCms.ImageCmsTransform | None, str | None]:
    """What turns colours of a profile into sRGB; None where nothing is to be done, and why."""
    space = profile[16:20].decode("ascii", "replace").strip()
    if space != SPACES[mode] and space in ("GRAY", "RGB", "CMYK", "Lab"):
        return None, f"its colour profile is for {space}, the image is {SPACES[mode]}: ignored"
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
        )
        if mode == "CMYK":
            return transform, None
        asked = _lattice(mode)
        given = _applied(transform, asked, mode).astype(int)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, BROKEN
    expected = asked[..., None] if mode == "L" else asked
    return (None if np.abs(given - expected).max() <= SAME else transform), None


def _lattice(mode: Mode) -> np.ndarray:
    """Colours of everywhere, as an image: (1, 256) gray, (81, 9, 3) RGB."""
    if mode == "L":
        return np.arange(256, dtype=np.uint8)[None]
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    return colours.reshape(_STEPS * _STEPS, _STEPS, 3)
