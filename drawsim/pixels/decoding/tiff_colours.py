"""From the samples of a TIFF page to colours, by what its photometric interpretation says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drawsim.pixels.decoding.profiles import Mode
from drawsim.pixels.decoding.raster import by_rows, over_white, range_of_gray, to_8_bits
from drawsim.pixels.decoding.tiff_samples import YCBCR, Samples
from drawsim.pixels.decoding.wanted import ImageReadError, not_read

if TYPE_CHECKING:
    from tifffile import TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 8, 9
_COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, INKS: 4, YCBCR: 3} | {
    CIELAB: 3,
    ICCLAB: 3,
}
"""Channels of colour by photometric interpretation: those that are read."""
_RAW = {32803: "CFA", 34892: "LinearRaw"}
_INK_SET = 332  # the tag; 1 is cyan, magenta, yellow, black
_MULTIPLIED, _PLAIN_ALPHA = 1, 2  # kinds of extra samples


@dataclass(frozen=True)
class Channels:
    """Which samples of a pixel are what. colours: how many, they come first. alpha: the number of
    the sample that says how opaque a pixel is; None: all are. multiplied: by alpha."""

    colours: int
    alpha: int | None
    multiplied: bool

    @property
    def needed(self) -> int:
        """Samples of a pixel that have to be read."""
        return self.colours if self.alpha is None else self.alpha + 1


def channels_of(page: TiffPage) -> Channels:
    """Raises ImageReadError, with the true reason, for colours that are not read."""
    photometric = int(page.photometric)
    if photometric in _RAW:
        what = f"a camera's raw data (photometric {_RAW[photometric]})"
        raise ImageReadError(f"holds {what}: develop it into a TIFF or JPEG first")
    if photometric not in _COLOURS:
        name = getattr(page.photometric, "name", f"number {photometric}")
        raise not_read(f"has colours of photometric interpretation {name}")
    if photometric == INKS and page.tags.valueof(_INK_SET, default=1) != 1:
        raise not_read("has inks other than cyan, magenta, yellow and black")
    colours = _COLOURS[photometric]
    if (
        photometric in (CIELAB, ICCLAB)
        and page.sampleformat != 3
        and page.bitspersample
        not in (
            8,
            16,
        )
    ):
        raise not_read(f"has CIE L*a*b* of {page.bitspersample} bits")
    if page.samplesperpixel < colours:
        raise ImageReadError(
            f"has {page.samplesperpixel} channels where its colours need {colours}"
        )
    extra = [int(kind) for kind in page.extrasamples]
    kinds = [kind for kind in extra if kind in (_MULTIPLIED, _PLAIN_ALPHA)]
    at = page.samplesperpixel - len(extra) + extra.index(kinds[0]) if kinds else None
    if at is not None and at < colours:
        raise ImageReadError("counts a channel as colour and as transparency")
    return Channels(colours, at, bool(kinds) and kinds[0] == _MULTIPLIED)


def prepared(page: TiffPage, block: np.ndarray) -> np.ndarray:
    """Samples as they may be averaged: colours instead of numbers of colours, few bits as 8."""
    bits = page.bitspersample
    if page.photometric == PALETTE:
        index = block[:, :, 0].astype(np.intp)
        table = _palette(page)
        return table[np.minimum(index, len(table) - 1)]
    if block.dtype.kind == "b" or (block.dtype == np.uint8 and isinstance(bits, int) and bits < 8):
        top = 2 ** int(bits) - 1
        return np.asarray(np.arange(top + 1) * 255 // top, np.uint8)[block.astype(np.uint8)]
    if page.photometric == CIELAB and block.dtype.kind != "f":
        block = block.view(f"u{block.dtype.itemsize}").copy()
        block[:, :, 1:3] ^= 1 << (8 * block.itemsize - 1)  # a sign less, half the range more
    if block.dtype == np.float16:
        return block.astype(np.float32)
    return block


def _palette(page: TiffPage) -> np.ndarray:
    """(colours, 3) uint8. Entries have 16 bits; writers that knew no better wrote 8."""
    if page.colormap is None:
        raise ImageReadError("is a picture of numbered colours without a table of them")
    table = np.asarray(page.colormap, np.uint32).T
    if table.max(initial=0) < 256:
        return table.astype(np.uint8)
    return ((table * 255 + 32767) // 65535).astype(np.uint8)


def to_colours(page: TiffPage, samples: Samples, channels: Channels) -> tuple[np.ndarray, Mode]:
    """uint8 pixels as `Raster` has them, and their mode, transparent parts laid over white."""
    values, photometric = samples.values, int(page.photometric)
    if photometric == PALETTE:
        return values, "RGB"
    low, high = _range(page, samples)
    colours = values[:, :, : channels.colours]
    if photometric in (CIELAB, ICCLAB):
        pixels = _from_lab(colours, photometric, samples.dtype)
    else:
        pixels = to_8_bits(colours, low, high)
    mode: Mode = "CMYK" if photometric == INKS else "RGB"
    if channels.colours == 1:
        pixels, mode = pixels[:, :, 0], "L"
        if photometric == WHITE_IS_ZERO:
            pixels = 255 - pixels
    if channels.alpha is not None:
        top = high if samples.dtype.kind != "f" else (1 if samples.high <= 1 else high)
        alpha = to_8_bits(values[:, :, channels.alpha], 0, top)
        pixels = over_white(pixels, alpha, channels.multiplied, 0 if mode == "CMYK" else 255)
    return pixels, mode


def _range(page: TiffPage, samples: Samples) -> tuple[float, float]:
    """Which sample is black (or no ink), and which is full light (or ink)."""
    dtype, bits = samples.dtype, page.bitspersample
    if samples.values.dtype == np.uint8 or not isinstance(bits, int):
        return 0, 255
    if dtype.kind == "u" and bits < 32:
        return 0, 2**bits - 1
    if dtype.kind == "i" and bits <= 16 and samples.low >= 0:
        return 0, 2 ** (bits - 1) - 1
    return range_of_gray(dtype, samples.low, samples.high)


_ADAPTED = np.array(
    [
        [3.1341359, -1.6173924, -0.4906619],
        [-0.9787955, 1.9162543, 0.0334427],
        [0.0719550, -0.2289769, 1.4053861],
    ]
)
"""XYZ under D50 to linear sRGB: the inverse of the sRGB matrix (IEC 61966-2-1) after Bradford's
adaptation from D65, as the ICC has it in its sRGB profile."""
_WHITE = np.array([0.96422, 1.0, 0.82521])  # D50


def _from_lab(samples: np.ndarray, photometric: int, dtype: np.dtype) -> np.ndarray:
    """CIE L*a*b* under D50 to sRGB (CIE 15:2004, 8.2.1; TIFF 6.0, section 23; Technical Note 4).

    samples: as `prepared` has them, a* and b* of whole numbers without sign, 128 added.
    """
    scale, offset = np.ones(3), 0
    if dtype.kind != "f":
        brightest = {1: 255, 2: 65280 if photometric == ICCLAB else 65535}[dtype.itemsize]
        step = 256 ** (1 - dtype.itemsize)
        scale, offset = np.array([100 / brightest, step, step]), 128

    def converted(rows: slice) -> np.ndarray:
        lightness, a, b = np.moveaxis(samples[rows].astype(np.float64) * scale, -1, 0)
        y = (lightness + 16) / 116
        three = np.stack([y + (a - offset) / 500, y, y - (b - offset) / 200], axis=-1)
        linear = np.where(three > 6 / 29, three**3, 3 * (6 / 29) ** 2 * (three - 4 / 29))
        light = np.clip(linear * _WHITE @ _ADAPTED.T, 0, 1)
        shown = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
        return (shown * 255 + 0.5).astype(np.uint8)

    return by_rows(converted, np.empty(samples.shape, np.uint8))
