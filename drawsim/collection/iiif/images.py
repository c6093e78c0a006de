"""What viewers are told of an image: where it is, how large, which parts and sizes can be had.

Source: IIIF Image API 3.0 (5 June 2020), sections 5 (info.json) and 4.7 (canonical addresses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""
Size = tuple[int, int]

CONTEXT = "http://iiif.io/api/image/3/context.json"
TILE = 1024
"""Pixels of a tile's side."""
SMALLEST = 128
"""Pixels of the longer side of the smallest size that is listed."""
SERVICE_TYPES = ("ImageService1", "ImageService2", "ImageService3")


@dataclass(frozen=True)
class ImageService:
    """An image service. id: without a slash at the end; type: of SERVICE_TYPES; level: 0 to 2."""

    id: str
    type: str = "ImageService3"
    level: int = 0

    @property
    def json(self) -> Json:
        """As documents of Presentation 3 name it: services of earlier versions by @id and @type."""
        if self.type == "ImageService3":
            return {"id": self.id, "type": self.type, "profile": f"level{self.level}"}
        profile = f"http://iiif.io/api/image/2/level{self.level}.json"
        if self.type == "ImageService1":
            profile = (
                f"http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level{self.level}"
            )
        return {"@id": self.id, "@type": self.type, "profile": profile}


@dataclass(frozen=True)
class Source:
    """Where an image can be had. url: of all of it; width, height: its pixels, upright.

    service: None: there is the one file alone.
    """

    url: str
    width: int
    height: int
    media_type: str = "image/jpeg"
    service: ImageService | None = None

    @property
    def json(self) -> Json:
        """The image as a content resource."""
        found: Json = {
            "id": self.url,
            "type": "Image",
            "format": self.media_type,
            "width": self.width,
            "height": self.height,
        }
        if self.service is not None:
            found["service"] = [self.service.json]
        return found


def whole_url(service: ImageService) -> str:
    """The address of all of a service's image, at the largest size that it gives."""
    size = "max" if service.type == "ImageService3" else "full"
    quality = "native" if service.type == "ImageService1" else "default"
    return f"{service.id}/full/{size}/0/{quality}.jpg"


def scale_factors(width: int, height: int) -> list[int]:
    """By which numbers an image is made smaller: 1, 2, 4, … down to about SMALLEST.

    >>> scale_factors(1000, 700), scale_factors(90, 40)
    ([1, 2, 4], [1])
    """
    factors = [1]
    while max(width, height) / (2 * factors[-1]) >= SMALLEST:
        factors.append(2 * factors[-1])
    return factors


def reduced(length: int, factor: int) -> int:
    """A length in pixels, made smaller: rounded up, as viewers do."""
    return -(-length // factor)


def image_info(service: ImageService, width: int, height: int, **more: Any) -> Json:
    """The info.json of an image of that size. more: further entries, such as maxWidth."""
    factors = scale_factors(width, height)
    sizes = [
        {"width": reduced(width, factor), "height": reduced(height, factor)}
        for factor in reversed(factors[1:])  # that of the image itself is called max
    ]
    return {
        "@context": CONTEXT,
        "id": service.id,
        "type": service.type,
        "protocol": "http://iiif.io/api/image",
        "profile": f"level{service.level}",
        "width": width,
        "height": height,
        **({"sizes": sizes} if sizes else {}),
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": factors}],
        **more,
    }


def tiles(width: int, height: int) -> list[tuple[str, Box, Size]]:
    """All that viewers ask for of an image that is cut into files beforehand.

    Address below the service's (canonical, section 4.7), region of the image, size of the file. Of
    a size at which one tile holds the image, it is the whole of it.
    """
    found: dict[str, tuple[Box, Size]] = {}
    for factor in scale_factors(width, height):
        side = TILE * factor
        for top in range(0, height, side):
            for left in range(0, width, side):
                box = (left, top, min(side, width - left), min(side, height - top))
                size = reduced(box[2], factor), reduced(box[3], factor)
                found[_address(box, size, width, height)] = box, size
        whole = (0, 0, width, height), (reduced(width, factor), reduced(height, factor))
        found[_address(*whole, width, height)] = whole
    return [(address, *made) for address, made in found.items()]


def _address(box: Box, size: Size, width: int, height: int) -> str:
    whole = box == (0, 0, width, height)
    region = "full" if whole else ",".join(map(str, box))
    full = whole and size == (width, height)
    return f"{region}/{'max' if full else f'{size[0]},{size[1]}'}/0/default.jpg"
