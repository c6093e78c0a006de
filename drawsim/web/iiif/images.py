"""Images that the app gives out by parts and sizes: pictures, and the two of a pair in a row."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from drawsim.collection.iiif.documents import ROW, Row
from drawsim.collection.iiif.images import Box, ImageService, Size, image_info, tiles
from drawsim.collection.kinds import Kind
from drawsim.common.palette import PAPER
from drawsim.pixels.decode import ImageReadError, open_image_file, read_header
from drawsim.pixels.image_requests import EXTRA_FEATURES, LARGEST, QUALITIES, ImageRequest, made
from drawsim.pixels.rendering import in_a_row
from drawsim.web.pictures import NoPicture, Picture, Pictures

LEVEL = 2


@dataclass(frozen=True)
class Framed:
    """An image by the pictures that it shows. keys: kind and id of each; one: the picture itself.

    All methods raise NoPicture for a picture that is not there or cannot be read.
    """

    pictures: Pictures
    keys: tuple[tuple[Kind, str], ...]

    @property
    def size(self) -> Size:
        """Width and height in pixels, upright."""
        sizes = [size_of(self.pictures, *key) for key in self.keys]
        return sizes[0] if len(sizes) == 1 else Row.of(sizes).size

    @property
    def bytes(self) -> int:
        """Of its files."""
        return sum(self.pictures.bytes_of(*key) for key in self.keys)

    def etag(self, asked: str) -> str:
        """What names the present content of what is asked for."""
        states = [self.pictures.etag(*key, asked) for key in self.keys]
        whole = hashlib.sha256("\n".join(["iiif", *states]).encode()).hexdigest()
        return whole[:40]

    def info(self, address: str) -> dict[str, Any]:
        """Its info.json. address: of its service."""
        width, height = self.size
        service = ImageService(address, level=LEVEL)
        return image_info(
            service,
            width,
            height,
            maxWidth=LARGEST,
            maxHeight=LARGEST,
            extraFeatures=list(EXTRA_FEATURES),
            extraQualities=list(QUALITIES[1:]),
            extraFormats=["webp"],
        )

    def kept(self, request: ImageRequest, etag: str) -> Picture | None:
        """What was made before."""
        data = self.pictures.thumbnails.read(etag)
        return None if data is None else Picture(data, request.media_type, etag)

    def make(self, request: ImageRequest, etag: str) -> Picture:
        """What is asked for. Kept are the parts alone that viewers ask for, not any that can be."""
        whole = self.size
        data = made(request, self._pixels(request, whole), whole)
        if _is_regular(request, whole):
            self.pictures.thumbnails.write(etag, data)
        return Picture(data, request.media_type, etag)

    def _pixels(self, request: ImageRequest, whole: Size) -> np.ndarray:
        """As many as what is asked for needs."""
        if len(self.keys) == 1:
            needed = max(request.size[0] / request.region[2], request.size[1] / request.region[3])
            return self.pictures.pixels(*self.keys[0], math.ceil(min(1.0, needed) * min(whole)))
        row = Row.of([size_of(self.pictures, *key) for key in self.keys])
        pixels = [self.pictures.pixels(*key, ROW // 2) for key in self.keys]
        return np.asarray(in_a_row(pixels, row.boxes, row.size, PAPER["page"]))


def size_of(pictures: Pictures, kind: Kind, name: str) -> Size:
    """Width and height of a picture, upright, by the head of its file. Raises NoPicture."""
    try:
        with open_image_file(pictures.file(kind, name)) as file:
            header = read_header(file)
    except NoPicture:
        raise
    except (ImageReadError, OSError, ValueError, SyntaxError) as error:
        raise NoPicture(f"the picture of {kind} {name!r} cannot be read") from error
    return header.width, header.height


def _is_regular(request: ImageRequest, whole: Size) -> bool:
    """Whether viewers ask for it who show the whole at any size: a tile, or a size of all."""
    plain = (request.turn, request.mirrored, request.quality) == (0, False, "default")
    parts: Mapping[tuple[Box, Size], str] = {
        (box, size): address for address, box, size in tiles(*whole)
    }
    return plain and request.format == "jpg" and (request.region, request.size) in parts
