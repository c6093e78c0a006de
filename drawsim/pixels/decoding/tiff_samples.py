"""The samples of a TIFF page as its strips and tiles hold them, decompressed; no colours yet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from drawsim.pixels.decoding.raster import finite_range
from drawsim.pixels.decoding.shrinking import shrink_rows
from drawsim.pixels.decoding.tiff_chroma import chroma_rows
from drawsim.pixels.decoding.wanted import (
    BYTES_PER_PIXEL,
    ImageReadError,
    Wanted,
    not_read,
    too_large,
)

if TYPE_CHECKING:
    from tifffile import TiffPage

MOST_CHANNELS = 32
YCBCR = 6
"""The photometric interpretation of luminance and chroma."""
DECODED_TO_RGB = frozenset((7, 33007, 34892, 34927, 50001, 50002, 52546, 34933))
"""Compressions whose decoders turn these into RGB: of JPEG, WebP, JPEG XL, PNG."""
_AT_ONCE = 1 << 25  # bytes of pixels that are read, or tiles that are unpacked, at once
_SEGMENT_BYTES = 4
"""Bytes, for each pixel of `max_pixels`, that a strip or tile of a reduced image may unpack to."""
_SEGMENT_LEAST = 1 << 26
"""Bytes that a strip or tile may unpack to in any case."""
_PLAIN_BITS = (8, 16, 32, 64)

Prepare = Callable[[np.ndarray], np.ndarray]
"""(rows, width, channels) as stored to what can be averaged: uint8, uint16 or floating point."""


@dataclass(frozen=True)
class Samples:
    """values: (height, width, channels), at reduced size perhaps. low, high: the smallest and
    largest of all in the file. dtype: of those in the file."""

    values: np.ndarray
    low: float
    high: float
    dtype: np.dtype


def read_samples(
    page: TiffPage, file: IO[bytes], wanted: Wanted, prepare: Prepare, channels: int
) -> Samples:
    """Decompress a page, at reduced size if it is too large as it is.

    channels: how many of the samples of a pixel are wanted. Raises ImageReadError for what is too
    large, ValueError and what codecs raise for what is damaged.
    """
    width, height = page.imagewidth, page.imagelength
    factor = wanted.factor(width, height)
    _assert_small_segments(
        page, wanted.max_pixels, _SEGMENT_BYTES if factor > 1 else BYTES_PER_PIXEL
    )
    planes = channels if page.planarconfig == 2 else 1
    looked = _Looked(prepare, channels)
    made = []
    apart = page.photometric == YCBCR and page.compression not in DECODED_TO_RGB
    blocks = chroma_rows(page, file) if apart else _rows(page, file)
    for plane in range(planes):
        own = (looked(block) for block in _of_plane(blocks, plane, height))
        if factor > 1:
            averaged = (np.asarray(b, np.float32) if b.dtype.kind != "u" else b for b in own)
            made.append(shrink_rows(averaged, width, height, factor))
        else:
            made.append(_whole(own, height))
    values = np.concatenate(made, axis=2) if planes > 1 else made[0]
    assert looked.dtype is not None
    return Samples(values, looked.low, looked.high, looked.dtype)


class _Looked:
    """What is done to each block of rows; remembers the range of samples where that decides."""

    def __init__(self, prepare: Prepare, channels: int) -> None:
        self.prepare = prepare
        self.channels = channels
        self.low, self.high = np.inf, -np.inf
        self.dtype: np.dtype | None = None

    def __call__(self, block: np.ndarray) -> np.ndarray:
        block = block[:, :, : self.channels]
        self.dtype = block.dtype
        if block.dtype.kind in "fi" or block.dtype.itemsize > 2:
            low, high = finite_range(block)
            self.low, self.high = min(self.low, low), max(self.high, high)
        return self.prepare(block)


def _whole(blocks: Iterator[np.ndarray], height: int) -> np.ndarray:
    out: np.ndarray | None = None
    top = 0
    for block in blocks:
        if len(block) == height:
            return block
        if out is None:
            out = np.empty((height, *block.shape[1:]), block.dtype)
        out[top : top + len(block)] = block
        top += len(block)
    if out is None or top < height:
        raise ValueError(f"truncated: {top} of {height} rows are there")
    return out


def _of_plane(
    blocks: Iterator[tuple[int, np.ndarray]], plane: int, height: int
) -> Iterator[np.ndarray]:
    """The rows of one plane, of all that come one after another."""
    rows = 0
    while rows < height:
        number, block = next(blocks, (plane, np.empty(0)))
        if number != plane or not block.size:
            raise ValueError(f"truncated: {rows} of {height} rows are there")
        rows += len(block)
        yield block


def _rows(page: TiffPage, file: IO[bytes]) -> Iterator[tuple[int, np.ndarray]]:
    """(plane, (rows, width, channels)) from top to bottom, plane by plane."""
    plain = page.compression == 1 and page.predictor == 1 and page.fillorder == 1
    if plain and not page.is_tiled and page.bitspersample in _PLAIN_BITS:
        yield from _plain_rows(page, file)
        return
    _, _, height, width, channels = page.shaped
    band: np.ndarray | None = None
    for segment, (plane, _, top, left, _), _ in page.segments(
        maxworkers=1, sort=False, buffersize=_AT_ONCE
    ):
        if segment is None:
            raise ValueError("truncated: a strip or tile is missing")
        part = segment[0, : height - top, : width - left]
        if part.shape[1] == width:
            yield plane, part
            continue
        if band is None or left == 0:
            band = np.empty((len(part), width, channels), part.dtype)
        band[:, left : left + part.shape[1]] = part
        if left + part.shape[1] == width:
            yield plane, band


def _plain_rows(page: TiffPage, file: IO[bytes]) -> Iterator[tuple[int, np.ndarray]]:
    """Rows of strips without compression, a few at a time however large the strips are."""
    planes, _, height, width, channels = page.shaped
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    row_bytes = width * channels * stored.itemsize
    step = max(1, _AT_ONCE // row_bytes)
    offsets = iter(page.dataoffsets)
    for plane in range(planes):
        for top in range(0, height, page.rowsperstrip):
            offset = next(offsets, 0)
            if not offset:
                raise ValueError("truncated: a strip is missing")
            file.seek(offset, io.SEEK_SET)
            bottom = min(top + page.rowsperstrip, height)
            for row in range(top, bottom, step):
                count = min(step, bottom - row)
                data = file.read(count * row_bytes)
                if len(data) < count * row_bytes:
                    raise ValueError("truncated: the file ends within a strip")
                block = np.frombuffer(data, stored).reshape(count, width, channels)
                yield plane, block.astype(stored.newbyteorder("="), copy=False)


def _assert_small_segments(page: TiffPage, max_pixels: int, each: int) -> None:
    """Raise ImageReadError where a strip or tile needs more than `each` bytes × max_pixels."""
    if page.compression == 1 and not page.is_tiled:
        return
    rows = page.tilelength if page.is_tiled else page.rowsperstrip
    columns = page.tilewidth if page.is_tiled else page.imagewidth
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    size: Any = rows * columns * samples * np.dtype(page.dtype).itemsize
    if size > max(_SEGMENT_LEAST, each * max_pixels):
        raise too_large(
            page.imagewidth,
            page.imagelength,
            max_pixels,
            f"its strips of {rows:,} rows are too large to be unpacked one by one "
            "(`tiffcp -r 64 OLD.tif NEW.tif` makes small ones)",
        )


def assert_readable(page: TiffPage) -> None:
    """Raise ImageReadError, with the true reason, for a page of a kind that is not read."""
    import tifffile

    bits, form = page.bitspersample, page.sampleformat
    if page.imagedepth != 1:
        raise ImageReadError(f"is a volume of {page.imagedepth} layers, not a picture")
    if page.dtype is None or np.dtype(page.dtype).kind not in "?buif":
        each = bits if isinstance(bits, int) else " + ".join(map(str, bits))
        name = getattr(form, "name", f"number {form}")
        raise not_read(f"has samples of {each} bits in sample format {name}")
    if page.samplesperpixel > MOST_CHANNELS:
        raise not_read(f"has {page.samplesperpixel} channels")
    if page.compression != 1:
        try:
            tifffile.TIFF.DECOMPRESSORS[page.compression]
        except KeyError:
            raise not_read(f"is compressed with {compression_name(page)}") from None


def compression_name(page: TiffPage) -> str:
    """As the TIFF specification and its supplements call it."""
    return str(getattr(page.compression, "name", f"number {page.compression}"))
