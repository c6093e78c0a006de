"""Luminance and chroma of resolutions of their own, without JPEG (TIFF 6.0, section 21)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import numpy as np

from drawsim.pixels.decoding.wanted import not_read

if TYPE_CHECKING:
    from tifffile import TiffPage

_COEFFICIENTS, _SUBSAMPLING, _REFERENCE = 529, 530, 532  # tags
_LUMA = (299, 1000, 587, 1000, 114, 1000)
_LEVELS = (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)
"""Black and white of luminance, none and most of both chromas, as numerators and denominators."""


def chroma_rows(page: TiffPage, file: IO[bytes]) -> Iterator[tuple[int, np.ndarray]]:
    """(0, (rows, width, 3) uint8 RGB) from top to bottom, as `_rows` of `tiff_samples`.

    A strip consists of cells of across × down luminances that are followed by their one pair of
    chromas. Raises ImageReadError for other arrangements.
    """
    import tifffile

    if page.is_tiled or page.planarconfig != 1 or page.predictor != 1 or page.bitspersample != 8:
        raise not_read("has luminance and chroma in tiles, planes or 16 bits")
    across, down = page.tags.valueof(_SUBSAMPLING, default=(2, 2))
    width, height = page.imagewidth, page.imagelength
    strips = zip(page.dataoffsets, page.databytecounts, strict=True)
    for top, (offset, count) in zip(range(0, height, page.rowsperstrip), strips, strict=True):
        rows = min(page.rowsperstrip, height - top)
        shape = -(-rows // down), -(-width // across), down * across + 2
        size = shape[0] * shape[1] * shape[2]
        file.seek(offset)
        data = file.read(count)
        if page.compression != 1:
            data = tifffile.TIFF.DECOMPRESSORS[page.compression](data, out=size)
        if len(data) < size:
            raise ValueError("truncated: the file ends within a strip")
        cells = np.frombuffer(data, np.uint8, size).reshape(shape)
        whole = cells[:, :, :-2].reshape(*shape[:2], down, across).swapaxes(1, 2)
        planes = [whole.reshape(shape[0] * down, shape[1] * across)]
        planes += [cells[:, :, k].repeat(down, axis=0).repeat(across, axis=1) for k in (-2, -1)]
        yield 0, _to_rgb(page, [plane[:rows, :width] for plane in planes])


def _to_rgb(page: TiffPage, planes: list[np.ndarray]) -> np.ndarray:
    red, green, blue = _quotients(page, _COEFFICIENTS, _LUMA)
    ends = _quotients(page, _REFERENCE, _LEVELS)
    most = (255, 127, 127)
    y, cb, cr = (
        (plane.astype(np.float32) - low) * (top / (high - low))
        for plane, low, high, top in zip(planes, ends[::2], ends[1::2], most, strict=True)
    )
    r = y + cr * (2 - 2 * red)
    b = y + cb * (2 - 2 * blue)
    g = (y - blue * b - red * r) / green
    return np.clip(np.stack([r, g, b], axis=-1) + 0.5, 0, 255).astype(np.uint8)


def _quotients(page: TiffPage, tag: int, default: tuple[int, ...]) -> list[float]:
    values = page.tags.valueof(tag, default=default)
    return [above / below for above, below in zip(values[::2], values[1::2], strict=True)]
