"""TIFF images: the page that is meant, its samples, its colours."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import IO

import numpy as np

from drawsim.pixels.decoding.pillow_images import open_image, to_raster
from drawsim.pixels.decoding.raster import Raster
from drawsim.pixels.decoding.tiff_colours import (
    CIELAB,
    ICCLAB,
    channels_of,
    prepared,
    to_colours,
)
from drawsim.pixels.decoding.tiff_pages import Page, Pages, open_tiff, pages_of
from drawsim.pixels.decoding.tiff_samples import assert_readable, compression_name, read_samples
from drawsim.pixels.decoding.wanted import (
    BYTES_PER_PIXEL,
    ImageReadError,
    Wanted,
    not_read,
    too_large,
)
from drawsim.pixels.formats import TIFF

_PROFILE = 34675  # the tag
_OLD_JPEG = 6  # a compression (TIFF 6.0, section 22) that only libtiff knows in all its shapes


def read_tiff(file: IO[bytes], wanted: Wanted) -> Raster:
    """Decode the page that is wanted.

    Raises ImageReadError for what is not read or too large, and what tifffile and its codecs raise
    for what is damaged.
    """
    with open_tiff(file) as tiff:
        pages = pages_of(tiff)
        page = _chosen(pages, wanted.page)
        raster = _read(page, file, wanted)
    raster.width, raster.height = page.size
    raster.orientation = page.orientation
    if wanted.page is None:
        raster.notes += pages.notes()
    return raster


def _chosen(pages: Pages, number: int | None) -> Page:
    if number is None:
        return pages.pictures[pages.main]
    if number >= len(pages.pictures):
        raise ImageReadError(f"has {len(pages.pictures)} pages, none has number {number + 1}")
    return pages.pictures[number]


def _read(page: Page, file: IO[bytes], wanted: Wanted) -> Raster:
    tiff = page.tiff
    channels = channels_of(tiff)
    assert_readable(tiff)
    wanted = _for_bytes(wanted, channels.needed * np.dtype(tiff.dtype).itemsize)
    factor = wanted.factor(*page.size)
    if tiff.compression == _OLD_JPEG:
        if factor > 1:
            why = "old-style JPEG in TIFF cannot be decoded at reduced size: save it anew"
            raise too_large(*page.size, wanted.max_pixels, why)
        return _read_by_libtiff(page, file)
    try:
        samples = read_samples(
            tiff, file, wanted, lambda block: prepared(tiff, block), channels.needed
        )
    except (ImageReadError, MemoryError):
        raise
    except Exception as error:
        what = "truncated" if _ends_early(page, file) else str(error)
        raise ValueError(f"compression {compression_name(tiff)}: {what}") from error
    pixels, mode = to_colours(tiff, samples, channels)
    raster = Raster(pixels, mode, *page.size)
    if tiff.photometric not in (CIELAB, ICCLAB):  # these say by themselves which colours they are
        raster.profile = tiff.tags.valueof(_PROFILE)
    if factor > 1:
        raster.notes.append("was decoded at reduced size")
    return raster


def _for_bytes(wanted: Wanted, each: int) -> Wanted:
    """As many pixels fewer as they take more bytes than BYTES_PER_PIXEL; each: bytes of one."""
    if each <= BYTES_PER_PIXEL:
        return wanted
    return replace(wanted, max_pixels=max(1, wanted.max_pixels * BYTES_PER_PIXEL // each))


def _read_by_libtiff(page: Page, file: IO[bytes]) -> Raster:
    """Old-style JPEG, which Pillow leaves to libtiff."""
    if page.number is None:
        raise not_read("is compressed with OJPEG on a page below a page")
    file.seek(0)
    image = open_image(file, TIFF)
    image.seek(page.number)
    return to_raster(image)


def _ends_early(page: Page, file: IO[bytes]) -> bool:
    """Whether the file ends before the last strip or tile does."""
    size = file.seek(0, io.SEEK_END)
    places = zip(page.tiff.dataoffsets, page.tiff.databytecounts, strict=False)
    return any(offset + count > size for offset, count in places)
