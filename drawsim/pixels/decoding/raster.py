"""A decoded image before its colours are settled: what decoders hand over, and the last steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from drawsim.pixels.decoding.profiles import Mode, to_srgb

_AT_ONCE = 1 << 20  # pixels for which intermediate results are kept


@dataclass
class Raster:
    """An image as its file stores it, 8 bits a channel, transparent parts laid over white.

    pixels: uint8, (height, width) of mode L, (height, width, 3) of RGB, (height, width, 4) of CMYK
    (255 is full ink). width, height: of the file, which may have been decoded at reduced size.
    profile: ICC. orientation: 1 to 8 as Exif counts. notes: what people should know of it.
    """

    pixels: np.ndarray
    mode: Mode
    width: int
    height: int
    profile: bytes | None = None
    orientation: int = 1
    notes: list[str] = field(default_factory=list)

    def to_rgb(self, profiles: bool) -> np.ndarray:
        """(height, width, 3) uint8 sRGB, upright, C-contiguous and writeable; may add notes.

        profiles: whether the embedded colour profile counts.
        """
        pixels = self.pixels
        if self.profile and profiles:
            pixels, note = to_srgb(pixels, self.mode, self.profile)
            self.notes += [note] if note else []
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[:, :, None], 3, axis=2)
        elif pixels.shape[2] == 4:
            pixels = plain_cmyk(pixels)
        upright = _upright(pixels, self.orientation)
        if upright.flags.c_contiguous and upright.flags.writeable:
            return upright
        return np.array(upright, order="C")


def plain_cmyk(pixels: np.ndarray) -> np.ndarray:
    """RGB of inks that no profile describes: (1 - ink) (1 - black) of full light."""
    image = Image.fromarray(np.ascontiguousarray(pixels), "CMYK").convert("RGB")
    return np.asarray(image)


def over_white(pixels: np.ndarray, alpha: np.ndarray, multiplied: bool, white: int) -> np.ndarray:
    """Lay an image over white.

    pixels: uint8, (height, width[, channels]). alpha: (height, width) uint8. multiplied: whether
    the pixels were multiplied by alpha before. white: 255, of inks 0.
    """
    if alpha.min() == 255:
        return pixels

    def mix(rows: slice) -> np.ndarray:
        share = alpha[rows].astype(np.float32) / 255
        if pixels.ndim == 3:
            share = share[:, :, None]
        colour = pixels[rows].astype(np.float32)
        mixed = (colour if multiplied else colour * share) + white * (1 - share)
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)

    return by_rows(mix, np.empty(pixels.shape, np.uint8))


def by_rows(work: Callable[[slice], np.ndarray], out: np.ndarray) -> np.ndarray:
    """Fill `out` with what `work` makes of some rows at a time, so that little memory is needed."""
    height, width = out.shape[:2]
    step = max(1, _AT_ONCE // max(1, width))
    for top in range(0, height, step):
        rows = slice(top, top + step)
        out[rows] = work(rows)
    return out


def to_8_bits(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale low..high to 0..255, rounded; what lies outside is clipped, what is no number is 0."""
    if samples.dtype == np.uint8 and (low, high) == (0, 255):
        return samples
    scale = 255 / (high - low) if high > low else 0.0
    if samples.dtype in (np.uint8, np.uint16):
        values = np.arange(np.iinfo(samples.dtype).max + 1)
        table = np.clip((values - low) * scale + 0.5, 0, 255).astype(np.uint8)
        return table[samples]

    def scaled(rows: slice) -> np.ndarray:
        part = samples[rows].astype(np.float64)
        finite = np.where(np.isfinite(part), part, 0)
        return np.clip((finite - low) * scale + 0.5, 0, 255).astype(np.uint8)

    return by_rows(scaled, np.empty(samples.shape, np.uint8))


def range_of_gray(dtype: np.dtype, low: float, high: float) -> tuple[float, float]:
    """What is black and what is white in samples of floating point, or of 32 bits and more.

    low, high: the smallest and largest of the image. It is 0..1 (floating point only), 0..255
    (floating point only) or 0..65535, whichever is the first to hold all of them; else the whole
    range of unsigned samples, and low..high of others.
    """
    tops = (1, 255, 65535) if dtype.kind == "f" else (65535,)
    if low >= 0 and high <= tops[-1]:
        return 0, next(top for top in tops if high <= top)
    return (0, np.iinfo(dtype).max) if dtype.kind == "u" else (low, high)


def finite_range(samples: np.ndarray) -> tuple[float, float]:
    """The smallest and largest of the samples that are numbers; others count as 0."""
    if samples.dtype.kind == "f":
        samples = np.where(np.isfinite(samples), samples, 0)
    return float(samples.min()), float(samples.max())


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an Exif orientation (Exif 2.32, section 4.6.4, tag 274)."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
