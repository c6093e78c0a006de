"""TIFF files and colour profiles written by hand, so that no library checks itself."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, ROWS, COUNTS, PLANAR = (
    *(256, 257, 258, 259, 262, 273, 277, 278, 279, 284),
)
SUBFILE, PREDICTOR, COLOURS, SUB_IFDS, EXTRA, FORMAT = 254, 317, 320, 330, 338, 339
_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


@dataclass(frozen=True)
class IFD:
    """A page: tags by number, strips of data, pages below it."""

    tags: dict[int, Any]
    strips: list[bytes]
    below: Sequence[IFD] = ()


def page(
    samples: np.ndarray,
    photometric: int,
    *,
    order: Literal["<", ">"] = "<",
    rows: int = 0,
    **options: Any,
) -> IFD:
    """An uncompressed page of (height, width, channels) samples of whole bytes.

    rows: of a strip. options: planar, extra (kinds of extra samples), tags, below.
    """
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    stored = samples.astype(samples.dtype.newbyteorder(order))
    planar = bool(options.get("planar"))
    planes = [stored[:, :, k] for k in range(channels)] if planar else [stored]
    rows = rows or height
    strips = [part[top : top + rows].tobytes() for part in planes for top in range(0, height, rows)]
    tags = tags_of((width, height), channels, samples.itemsize * 8, photometric, rows)
    tags |= {FORMAT: [kind] * channels, PLANAR: 2 if planar else 1}
    if extra := options.get("extra"):
        tags[EXTRA] = extra
    return IFD(tags | options.get("tags", {}), strips, options.get("below", ()))


def tags_of(
    size: tuple[int, int], channels: int, bits: int, photometric: int, rows: int
) -> dict[int, Any]:
    """What every page says."""
    return {
        WIDTH: size[0],
        HEIGHT: size[1],
        BITS: [bits] * channels,
        COMPRESSION: 1,
        PHOTOMETRIC: photometric,
        SAMPLES: channels,
        ROWS: rows,
    }


def packed(values: np.ndarray, bits: int) -> bytes:
    """Rows of (height, width, channels) numbers of some bits, each row to a whole byte."""
    rows = values.reshape(len(values), -1).astype(np.uint32)
    shifts = np.arange(bits - 1, -1, -1)
    each = (rows[:, :, None] >> shifts & 1).astype(np.uint8).reshape(len(rows), -1)
    return np.packbits(each, axis=1).tobytes()


def tiff(*pages: IFD, order: str = "<", big: bool = False) -> bytes:
    """A file: TIFF 6.0, or BigTIFF."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        head, link = struct.pack(f"{order}2sHHHQ", mark, 43, 8, 0, 16), 8
    else:
        head, link = struct.pack(f"{order}2sHI", mark, 42, 8), 4
    body = bytearray(head)
    body[-link:] = b"\0" * link
    place = len(body) - link
    for one in pages:
        at = _append(body, one, order, big)
        struct.pack_into(order + ("Q" if big else "I"), body, place, at)
        place = len(body) - link
    return bytes(body)


def _append(body: bytearray, one: IFD, order: str, big: bool) -> int:
    """Write a page; its link to the next is the last of the file. Returns where it begins."""
    tags = dict(one.tags)
    below = [_append(body, sub, order, big) for sub in one.below]
    if below:
        tags[SUB_IFDS] = below
    offsets = []
    for strip in one.strips:
        body += b"\0" * (-len(body) % 8)
        offsets.append(len(body))
        body += strip
    tags |= {STRIPS: offsets, COUNTS: [len(strip) for strip in one.strips]}
    entries = b""
    inline = 8 if big else 4
    for number in sorted(tags):
        value = tags[number]
        if isinstance(value, bytes):
            kind, count, packed_value = 7, len(value), value
        else:
            values = [value] if isinstance(value, int) else list(value)
            kind = _SHORT if max(values) < 65536 and number != SUB_IFDS else _LONG
            count = len(values)
            packed_value = struct.pack(f"{order}{count}{_CODES[kind]}", *values)
        if len(packed_value) > inline:
            body += b"\0" * (-len(body) % 8)
            where = len(body)
            body += packed_value
            packed_value = struct.pack(order + ("Q" if big else "I"), where)
        layout = f"{order}HHQ" if big else f"{order}HHI"
        entries += struct.pack(layout, number, kind, count) + packed_value.ljust(inline, b"\0")
    body += b"\0" * (-len(body) % 8)
    at = len(body)
    body += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + b"\0" * inline
    return at


# Colour profiles (ICC.1:2001-04, version 2.4): headers, tags, one-dimensional curves, tables.

D50 = (0.9642, 1.0, 0.8249)
ADOBE = (  # XYZ of its red, green and blue, adapted to D50
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)


def matrix_profile(primaries: Sequence[Sequence[float]] = ADOBE, gamma: float = 2.2) -> bytes:
    """A display whose three lights have these colours and one gamma."""
    tags = {b"wtpt": _xyz(D50)}
    for letter, colour in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {letter + b"XYZ": _xyz(colour), letter + b"TRC": _gamma(gamma)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def gray_profile(gamma: float) -> bytes:
    """Gray of one gamma."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": _gamma(gamma)})


def ink_profile(lab: np.ndarray) -> bytes:
    """Inks whose mixtures lie between the 16 of none and full: lab (2, 2, 2, 2, 3), last black."""
    encoded = np.round(lab * [2.55, 1, 1] + [0, 128, 128]).astype(np.uint8)
    line = bytes(range(256))
    table = b"mft1\0\0\0\0" + struct.pack(">BBBx", 4, 3, 2)
    table += struct.pack(">9i", *(65536 * int(i == j) for i in range(3) for j in range(3)))
    table += line * 4 + encoded.tobytes() + line * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": table})


def _profile(device: bytes, colours: bytes, between: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _description(b"made for a test"), b"cprt": b"text\0\0\0\0free\0"} | tags
    at = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += body + b"\0" * (-len(body) % 4)
    header = struct.pack(">I4xI4s4s4s", at + len(data), 0x02400000, device, colours, between)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    header = header.ljust(68, b"\0") + _xyz(D50)[8:]
    return header.ljust(128, b"\0") + table + data


def _xyz(colour: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in colour))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _description(text: bytes) -> bytes:
    body = text + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(body)) + body + b"\0" * 78
