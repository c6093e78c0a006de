"""Small copies of pictures, each embedded once in a page and shown as often as needed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from drawsim.common.machine import cores
from drawsim.reporting.kit.pictures import load

SIDE = 144  # pixels of the longer side
QUALITY = 60  # WebP, 0..100; 144 px take 3-5 kB
PLACEHOLDER = "none"


@dataclass(frozen=True)
class Thumbnail:
    """A small picture: the name of its SVG symbol, its size in pixels, its WebP as a data URI."""

    symbol: str
    width: int
    height: int
    uri: str


@dataclass(frozen=True)
class Sheet:
    """The distinct thumbnails of a page."""

    by_file: dict[Path, Thumbnail]

    def symbol(self, file: Path | None) -> str:
        """The symbol that shows `file`; the placeholder's if there is no readable picture."""
        if file is None or file not in self.by_file:
            return PLACEHOLDER
        return self.by_file[file].symbol


def make_sheet(files: Iterable[Path]) -> Sheet:
    """Thumbnails of the distinct files; one that cannot be read is left out."""
    distinct = list(dict.fromkeys(files))
    pictures = load(distinct, cores(), SIDE)
    by_file: dict[Path, Thumbnail] = {}
    for file, picture in zip(distinct, pictures, strict=True):
        if picture is not None:
            by_file[file] = Thumbnail(f"p{len(by_file)}", *picture.size, data_uri(picture))
    return Sheet(by_file)


def data_uri(picture: Image.Image) -> str:
    """The picture as WebP within an address."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
