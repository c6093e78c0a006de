"""Netpbm written as text (P1, P2, P3 of the manual pages pbm, pgm and ppm), which Pillow decodes
number by number in Python."""

from __future__ import annotations

import re
from typing import IO

import numpy as np

from drawsim.pixels.decoding.raster import Raster, to_8_bits
from drawsim.pixels.formats import NETPBM, Format

_HEADERS = {
    b"P1": re.compile(rb"P1\s+\d{1,10}\s+\d{1,10}(?=\s)"),
    b"P2": re.compile(rb"P2\s+\d{1,10}\s+\d{1,10}\s+(\d{1,5})(?=\s)"),
    b"P3": re.compile(rb"P3\s+\d{1,10}\s+\d{1,10}\s+(\d{1,5})(?=\s)"),
}
_COMMENT = re.compile(rb"#[^\r\n]*")
_SPACE = re.compile(rb"\s")
_SPACES = b" \t\n\v\f\r"
_AT_ONCE = 1 << 22
"""Bytes of which the numbers are held at once."""
_ROOM, _LETTERS = 1 << 20, 16
"""Bytes of a file that are looked at: for header and comments, and for each sample."""


def is_plain(file: IO[bytes], format_: Format) -> bool:
    """Whether an image is written as text."""
    if format_ is not NETPBM:
        return False
    file.seek(0)
    return file.read(2) in _HEADERS


def read_plain(file: IO[bytes], size: tuple[int, int]) -> Raster:
    """Decode an image whose header Pillow has read; maxval is white.

    size: width and height. Raises ValueError for one that is damaged or cut short.
    """
    file.seek(0)
    kind = file.read(2)
    width, height = size
    shape = (height, width, 3) if kind == b"P3" else (height, width)
    count = width * height * (3 if kind == b"P3" else 1)
    file.seek(0)
    text = _COMMENT.sub(b"", file.read(_ROOM + _LETTERS * count))
    header = _HEADERS[kind].match(text)
    if header is None:
        raise ValueError("its header is damaged")
    text = text[header.end() :]
    if kind == b"P1":  # digits, with or without spaces; 1 is black
        bits = np.frombuffer(text.translate(None, _SPACES)[:count], np.uint8)
        _check(bits, ord("1"), ord("0"))
        samples = np.where(bits == ord("0"), np.uint8(255), np.uint8(0))
    else:
        samples = _scaled(text, int(header[1]), count)
    if samples.size < count:
        raise ValueError("truncated: it ends before its last pixel")
    return Raster(samples.reshape(shape), "RGB" if kind == b"P3" else "L", *size)


def _scaled(text: bytes, white: int, count: int) -> np.ndarray:
    """The numbers of a text scaled to 8 bits, `count` of them, or as many as there are."""
    parts: list[np.ndarray] = []
    found = at = 0
    while found < count and at < len(text):
        space = _SPACE.search(text, at + _AT_ONCE)
        end = space.start() if space else len(text)
        part = text[at:end]
        at = end
        if part.translate(None, _SPACES + b"0123456789"):
            raise ValueError("damaged: something else than numbers is among its pixels")
        if part.strip():
            numbers = np.fromstring(part, np.int64, sep=" ")[: count - found]
            _check(numbers, white)
            parts.append(to_8_bits(numbers.astype(np.uint16), 0, white))
            found += numbers.size
    return np.concatenate([np.empty(0, np.uint8), *parts])


def _check(values: np.ndarray, most: int, least: int = 0) -> None:
    if values.size and (values.min() < least or values.max() > most):
        raise ValueError(f"damaged: a number among its pixels is larger than {most - least}")
