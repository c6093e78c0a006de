"""Pictures as files of an image service of level 0, beside museums' own services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drawsim.collection.canvases import Place
from drawsim.collection.iiif.documents import ROW, THUMBNAIL, Row
from drawsim.collection.iiif.images import ImageService, Source, image_info, tiles, whole_url
from drawsim.collection.iiif.names import file_name
from drawsim.collection.iiif.shown import museum_service
from drawsim.collection.kinds import Kind
from drawsim.common.files import atomic, write_json
from drawsim.common.palette import PAPER
from drawsim.pixels.decode import open_image_file, read_header, read_image
from drawsim.pixels.rendering import as_jpeg, in_a_row, rendered

IMAGES = "images"
SMALL = 90
"""Pixels across of the small pictures that Universal Viewer 4 asks for, whatever the info.json
lists, by the address that version 2 had for them."""


@dataclass(frozen=True)
class Picture:
    """A picture to be shown. row: of the collection's table, empty for others."""

    kind: Kind
    id: str
    file: Path
    row: Mapping[str, str]
    place: Place | None = None

    @property
    def name(self) -> str:
        """The folder of its files, below the one of the export."""
        return f"{IMAGES}/{self.kind}s/{file_name(self.id)}"


@dataclass(frozen=True)
class Static:
    """Where an export is written, and at which address its folder will be found.

    size: pixels of the longer side of an image, at most.
    """

    root: Path
    base: str
    size: int

    def url(self, name: str) -> str:
        """The address of a file of the export."""
        return f"{self.base}/{name}"

    def save(self, name: str, data: bytes) -> None:
        """Write a file of the export."""
        with atomic(self.root / name) as temporary:
            temporary.write_bytes(data)


def publish(picture: Picture, static: Static) -> tuple[Source, list[str]]:
    """Where viewers get a picture, and the files that were written for it.

    A picture whose museum has an image service stays there. Raises ImageReadError.
    """
    width, height = _size_of(picture.file)
    museum = museum_service(picture.row)
    if museum is not None:
        if picture.place is not None and picture.place.box is not None:
            width, height = picture.place.box[2], round(picture.place.box[2] * height / width)
        return Source(whole_url(museum), width, height, service=museum), []
    scale = min(1.0, static.size / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = read_image(picture.file, min_size=min(width, height))
    return _publish_pixels(pixels, (width, height), picture.name, static)


def publish_row(
    pictures: Sequence[Picture], row: Row, name: str, static: Static
) -> tuple[Source, Source, list[str]]:
    """One image of a canvas, its thumbnail, and their files. Raises ImageReadError.

    The image has a service as all others do: Mirador 4 stops where one of a canvas has none.
    """
    pixels: list[np.ndarray] = [read_image(each.file, min_size=ROW // 2) for each in pictures]
    large = in_a_row(pixels, row.boxes, row.size, PAPER["page"])
    source, made = _publish_pixels(np.asarray(large), large.size, f"{IMAGES}/rows/{name}", static)
    large.thumbnail((THUMBNAIL, THUMBNAIL))
    small = f"{IMAGES}/thumbnails/{name}.jpg"
    static.save(small, as_jpeg(large))
    return source, Source(static.url(small), *large.size), [*made, small]


def _publish_pixels(
    pixels: np.ndarray, whole: tuple[int, int], name: str, static: Static
) -> tuple[Source, list[str]]:
    """Write an image of `whole` pixels, width and height, as a service of level 0."""
    service = ImageService(static.url(name))
    made = []
    width, height = min(SMALL, whole[0]), max(1, round(whole[1] * SMALL / whole[0]))
    small = f"full/{SMALL},/0/default.jpg", (0, 0, *whole), (width, min(height, whole[1]))
    for address, box, size in [*tiles(*whole), small]:
        made.append(f"{name}/{address}")
        static.save(made[-1], as_jpeg(rendered(pixels, whole, box, size)))
    info = f"{name}/info.json"
    write_json(static.root / info, image_info(service, *whole))
    return Source(whole_url(service), *whole, service=service), [*made, info]


def _size_of(file: Path) -> tuple[int, int]:
    with open_image_file(file) as opened:
        header = read_header(opened)
    return header.width, header.height
