"""Image services (IIIF Image API 1 to 3): what they can do, and which address to ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from drawsim.preparing.iiif.documents import id_of, things, type_of

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""
ROOM = 1.5
"""How many times the wished side a size that a server lists may have and still be taken."""


@dataclass(frozen=True)
class Service:
    """An image service that a manifest names. id: its address, without a slash at the end."""

    id: str
    version: int
    level: int

    @property
    def profile(self) -> str:
        """What it is and can do, as tables tell it, `ImageService2 level1`."""
        return f"ImageService{self.version} level{self.level}"


@dataclass(frozen=True)
class ImageInfo:
    """What a service says of its image (info.json). Sizes in pixels; None: no limit is said."""

    service: Service
    width: int
    height: int
    sizes: tuple[tuple[int, int], ...] = ()
    max_width: int | None = None
    max_height: int | None = None
    max_area: int | None = None
    features: frozenset[str] = frozenset()

    def can(self, feature: str, level: int) -> bool:
        """Whether it does what services of that level and above do, or says that it can."""
        return self.service.level >= level or feature in self.features


def service_of(body: object) -> Service | None:
    """The image service among the services of a resource."""
    for each in things(body.get("service") if isinstance(body, dict) else None):
        if not isinstance(each, dict) or not id_of(each):
            continue
        version = _version(each)
        if version:
            return Service(id_of(each).rstrip("/"), version, _level(each.get("profile")))
    return None


def read_info(body: Mapping[str, Any], service: Service) -> ImageInfo | None:
    """What an info.json says; None if that is not of an image."""
    width, height = _pixels(body.get("width")), _pixels(body.get("height"))
    if width is None or height is None:
        return None
    profile = body.get("profile", "")
    own = Service(
        service.id, _version(body) or service.version, _level(profile) if profile else service.level
    )
    more = [each for each in things(profile) if isinstance(each, dict)]
    sizes = tuple(
        (w, h)
        for each in things(body.get("sizes"))
        if isinstance(each, dict)
        and (w := _pixels(each.get("width")))
        and (h := _pixels(each.get("height")))
    )
    limits = [body, *more]
    features = {
        str(name)
        for each in limits
        for key in ("extraFeatures", "supports")
        for name in things(each.get(key))
    }
    max_width, max_height, max_area = (
        next((found for each in limits if (found := _pixels(each.get(name)))), None)
        for name in ("maxWidth", "maxHeight", "maxArea")
    )
    max_height = max_height or max_width  # so says the specification of both versions
    return ImageInfo(
        own, width, height, sizes, max_width, max_height, max_area, frozenset(features)
    )


class Asked(NamedTuple):
    """An address, and what is still to be done here: whether the region must be cut out, and by how
    many degrees, clockwise, it must be turned."""

    url: str
    cut: bool
    turn: int


def image_url(info: ImageInfo, size: int, region: Box | None = None, rotation: int = 0) -> Asked:
    """The address of an image, and what the service cannot do.

    size: pixels that its longer side should have; fewer where the image, or what the service gives,
    is smaller: nothing is ever asked for above its own size, nor above the service's limits. A size
    that the service lists, and so may have at hand, is taken if it is large enough and not much
    too large.
    """
    cut = region is not None and not info.can("regionByPx", 1)
    part = None if cut else region
    width, height = part[2:] if part else (info.width, info.height)
    if cut and region:  # the whole must be so large that the region has the size
        size = round(size * max(info.width, info.height) / max(*region[2:], 1))
    scale = min(1.0, size / max(width, height))
    for limit, length in ((info.max_width, width), (info.max_height, height)):
        scale = min(scale, limit / length) if limit else scale
    if info.max_area:
        scale = min(scale, (info.max_area / (width * height)) ** 0.5)
    where = "full" if part is None else ",".join(map(str, part))
    turned = rotation if info.can("rotationBy90s", 2) and not cut else 0
    quality = "native" if info.service.version == 1 else "default"
    asked = _size(info, width, height, scale, size, whole=part is None)
    url = f"{info.service.id}/{where}/{asked}/{turned}/{quality}.jpg"
    return Asked(url, cut, rotation - turned)


def _size(info: ImageInfo, width: int, height: int, scale: float, size: int, *, whole: bool) -> str:
    version = info.service.version
    limit = int(scale * max(width, height) + 1e-6)
    listed = sorted((max(each), each) for each in info.sizes) if whole else []
    at_hand = [each for side, each in listed if min(size, limit) <= side <= ROOM * size]
    free = info.can("sizeByW", 1)
    if scale == 1:
        return "max" if version == 3 or info.max_width or info.max_area else "full"
    if at_hand:
        chosen = at_hand[0]
    elif free:
        w = max(int(width * scale + 1e-6), 1)
        return f"{w},"
    elif listed:
        enough = [each for side, each in listed if side >= size]
        chosen = enough[0] if enough else listed[-1][1]
    else:
        return "max" if version == 3 else "full"
    return f"{chosen[0]},{chosen[1]}" if version == 3 else f"{chosen[0]},"


def _version(body: Mapping[str, Any]) -> int:
    """1, 2 or 3; 0: it is no image service."""
    kind = type_of(body)
    if found := re.fullmatch(r"ImageService([123])", kind):
        return int(found[1])
    said = " ".join(str(body.get(name, "")) for name in ("@context", "profile", "protocol"))
    if found := re.search(r"api/image/([23])", said):
        return int(found[1])
    if "image-api" in said or "api/image/1" in said:
        return 1
    if "iiif.io/api/image" in said:
        return 2
    return 2 if kind == "ImageService" else 0


def _level(profile: object) -> int:
    """0, 1 or 2; of a service that says nothing, 0 is sure."""
    for each in things(profile):
        if isinstance(each, str) and (found := re.search(r"level([012])", each)):
            return int(found[1])
    return 0


def _pixels(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value < 1e9 else None
