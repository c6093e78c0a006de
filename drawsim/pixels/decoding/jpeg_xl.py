"""The size of a JPEG XL image, which its reader for Pillow says only after decoding it."""

from __future__ import annotations

import struct
from typing import IO

_BITS = (9, 13, 18, 30)  # of a side, by two bits before it
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height, from 1


def size_of_jpeg_xl(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, upright (ISO/IEC 18181-1, SizeHeader and ImageMetadata).

    The file is then at its beginning. Raises ValueError for one that is cut short.
    """
    file.seek(0)
    head = file.read(12)
    file.seek(0 if head[:2] == b"\xff\x0a" else _codestream(file))
    bits = int.from_bytes(file.read(16)[2:], "little")
    file.seek(0)

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & (1 << count) - 1, bits >> count
        return value

    eights = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if eights else take(_BITS[take(2)]) + 1

    height = side()
    ratio = take(3)
    across, down = _RATIOS[ratio - 1] if ratio else (1, 1)
    width = height * across // down if ratio else side()
    plain = take(1)
    turn = take(3) + 1 if not plain and take(1) else 1
    return (width, height) if turn < 5 else (height, width)


def _codestream(file: IO[bytes]) -> int:
    """Where the codestream begins in a container of boxes (ISO/IEC 18181-2)."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            raise ValueError("truncated: there is no codestream")
        size, name = struct.unpack(">I4s", head[:8])
        start = 8
        if size == 1:
            size, start = struct.unpack(">Q", head[8:16])[0], 16
        if name == b"jxlc":
            return at + start
        if name == b"jxlp":
            return at + start + 4  # the number of the part
        if size < 8:
            raise ValueError("truncated: there is no codestream")
        at += size
