"""A PNG file as many small ones, some rows each: a large one is never in memory as a whole.

PNG (W3C, third edition) stores rows one after another in one stream of deflate. Each row is
filtered: stored as what it differs by from its neighbours to the left and above (section 9).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AT_ONCE = 1 << 23  # bytes of rows in a small file
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_KEPT = (b"PLTE", b"tRNS")


@dataclass(frozen=True)
class _Header:
    """IHDR without what is always 0."""

    width: int
    height: int
    depth: int
    colour: int

    @property
    def row_bytes(self) -> int:
        return -(-self.width * self.depth * _CHANNELS[self.colour] // 8)

    @property
    def unit(self) -> int:
        """Bytes between a byte and its neighbour to the left, as filters count."""
        return max(1, self.depth * _CHANNELS[self.colour] // 8)

    def chunk(self) -> bytes:
        fields = (self.width, self.height, self.depth, self.colour, 0, 0, 0)
        return _chunk(b"IHDR", struct.pack(">IIBBBBB", *fields))


def rows_of_png(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The image from top to bottom, as PNG files with the palette and the clear colour of this one.

    Raises ValueError for a file that is cut short or damaged, zlib.error likewise. It must not be
    interlaced.
    """
    file.seek(len(_SIGNATURE))
    header, kept = _read_head(file)
    step = max(1, _AT_ONCE // header.row_bytes)
    row_above: bytes | None = None
    stream = _Rows(file, 1 + header.row_bytes)
    for top in range(0, header.height, step):
        count = min(step, header.height - top)
        plain = _unfiltered(header, stream.take(count), row_above)
        row_above = plain[-1].tobytes()
        part = replace(header, height=count).chunk() + kept
        unfiltered = np.zeros((count, 1 + header.row_bytes), np.uint8)  # filter 0: none
        unfiltered[:, 1:] = plain
        yield _png(part, unfiltered.tobytes())


def _read_head(file: IO[bytes]) -> tuple[_Header, bytes]:
    """IHDR, and the chunks before the pixels that pixels need; the file is then at the pixels."""
    header, kept = None, b""
    while True:
        name, size = _next_chunk(file)
        if name == b"IDAT":
            file.seek(-8, io.SEEK_CUR)
            break
        body = file.read(size) if name == b"IHDR" or name in _KEPT else b""
        file.seek(size - len(body) + 4, io.SEEK_CUR)
        if name == b"IHDR":
            header = _Header(*struct.unpack(">IIBB", body[:10]))
        elif name in _KEPT:
            kept += _chunk(name, body)
    if header is None:
        raise ValueError("its header is missing")
    return header, kept


def exif_of_png(file: IO[bytes]) -> bytes:
    """The chunk eXIf, wherever it is, without decoding what is before it; empty: there is none."""
    file.seek(len(_SIGNATURE))
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if name == b"eXIf":
            return file.read(size)
        file.seek(size + 4, io.SEEK_CUR)
    return b""


class _Rows:
    """Filtered rows, as many as are asked for, out of the chunks of pixels."""

    def __init__(self, file: IO[bytes], row_bytes: int) -> None:
        self.file = file
        self.row_bytes = row_bytes
        self.inflate = zlib.decompressobj()
        self.left = 0  # bytes of the chunk that are still to be read

    def take(self, rows: int) -> bytes:
        wanted = rows * self.row_bytes
        parts = []
        packed = self.inflate.unconsumed_tail
        while wanted:
            packed = packed or self._more()
            part = self.inflate.decompress(packed, wanted)
            packed = self.inflate.unconsumed_tail
            wanted -= len(part)
            parts.append(part)
            if self.inflate.eof and wanted:
                raise ValueError("truncated: rows are missing")
        return b"".join(parts)

    def _more(self) -> bytes:
        while not self.left:
            name, self.left = _next_chunk(self.file)
            if name != b"IDAT":
                raise ValueError("truncated: rows are missing")
            if not self.left:
                self.file.seek(4, io.SEEK_CUR)
        data = self.file.read(min(self.left, 1 << 16))
        if not data:
            raise ValueError("truncated: rows are missing")
        self.left -= len(data)
        if not self.left:
            self.file.seek(4, io.SEEK_CUR)  # the checksum
        return data


def _unfiltered(header: _Header, filtered: bytes, row_above: bytes | None) -> np.ndarray:
    """Rows without filter, (rows, row_bytes) uint8.

    The bytes of a row are undone by themselves, each with the one `unit` bytes to its left: so
    they are decoded as channels of 8 bits, or of 16 where there are more than four bytes.
    """
    import imagecodecs

    rows = len(filtered) // (1 + header.row_bytes)
    if row_above is not None:
        filtered = b"\0" + row_above + filtered
        rows += 1
    colour = {1: 0, 2: 4, 3: 2, 4: 6, 6: 2, 8: 6}[header.unit]
    depth = 16 if header.unit > 4 else 8
    raw = _Header(header.row_bytes // header.unit, rows, depth, colour)
    decoded = imagecodecs.png_decode(_png(raw.chunk(), filtered).getvalue())
    if depth == 16:
        decoded = decoded.astype(">u2")
    plain = np.ascontiguousarray(decoded).view(np.uint8).reshape(rows, header.row_bytes)
    return plain if row_above is None else plain[1:]


def _next_chunk(file: IO[bytes]) -> tuple[bytes, int]:
    head = file.read(8)
    if len(head) < 8:
        raise ValueError("truncated: rows are missing")
    size, name = struct.unpack(">I4s", head)
    return name, size


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(before: bytes, rows: bytes) -> io.BytesIO:
    """A PNG file of filtered rows; before: IHDR and what else precedes them."""
    pixels = _chunk(b"IDAT", zlib.compress(rows, 0))
    return io.BytesIO(_SIGNATURE + before + pixels + _chunk(b"IEND", b""))
