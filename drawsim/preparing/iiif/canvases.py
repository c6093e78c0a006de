"""From a manifest to its canvases: which picture each shows, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drawsim.preparing.iiif.documents import (
    Document,
    Json,
    canvases_of,
    id_of,
    ranges_of,
    same_id,
    things,
    type_of,
)
from drawsim.preparing.iiif.images import Box, Service, service_of
from drawsim.preparing.iiif.texts import columns_of, text_of

NO_IMAGE = "canvases without an image (sound, film, text)"
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T", re.ASCII)
_REGION = re.compile(rf"(?:xywh=)?(?:pixel:)?{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}", re.ASCII)


@dataclass(frozen=True)
class Painted:
    """A picture that is painted on a canvas.

    url: of the image itself. service: None: there is none, the image can be had as it is alone.
    region: the part of the image that is shown; None: all of it. rotation: degrees. target: the
    part of the canvas that it covers; None: all of it, or nobody knows. area: its share of it.
    """

    url: str
    service: Service | None = None
    region: Box | None = None
    rotation: int = 0
    target: Box | None = None
    area: float = 1.0


@dataclass(frozen=True)
class Canvas:
    """A canvas and the picture that covers most of it.

    label: of the canvas. cells: columns of its row. others: how many further pictures it has.
    choices: how many of which only one is meant to be seen. left: labels that no column took.
    """

    id: str
    manifest: str
    label: str
    picture: Painted
    cells: dict[str, str]
    others: int = 0
    choices: int = 0
    left: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What it is known by: not all museums give canvases ids that are theirs alone."""
        return f"{self.manifest} {self.id}"

    @property
    def shows(self) -> tuple[str, str, Box | None]:
        """What two canvases have in common that are one, listed by two manifests."""
        service = self.picture.service
        return self.id, service.id if service else self.picture.url, self.picture.region


def read_canvases(
    manifest: Document, mapping: Mapping[str, Sequence[str]], languages: Sequence[str]
) -> Iterator[Canvas | None]:
    """The canvases of a manifest in order; None for one that has no image.

    mapping: column -> labels of metadata. What the manifest says holds for its canvases, unless
    they say otherwise themselves.
    """
    own = _cells(manifest.body, mapping, languages)
    own[0]["manifest"] = manifest.id
    ranges = ranges_of(manifest)
    canvases = canvases_of(manifest)
    for body in canvases:
        pictures, choices = _pictures(body, manifest.version)
        name = id_of(body)
        if not pictures or not name:
            yield None
            continue
        cells, left = _cells(body, mapping, languages)
        label = cells.pop("label", "")
        merged = {**own[0], **cells, "canvas": name}
        if label:
            merged["canvas_label"] = label
        if chapter := ranges.get(same_id(name)):
            merged["range"] = text_of(chapter.get("label"), languages)
        main = max(pictures, key=lambda each: each.area)
        if not main.rotation:
            merged["canvas_box"] = ",".join(map(str, main.target or _whole(body)))
        if main.service is not None and not main.rotation and main.region is None:
            merged["image_service"] = main.service.id
            merged["image_profile"] = main.service.profile
        yield Canvas(
            name,
            manifest.id,
            label,
            main,
            {column: value for column, value in merged.items() if value},
            len(pictures) - 1,
            choices,
            [*own[1], *left],
        )


def _whole(canvas: Json) -> tuple[int, ...]:
    """All of a canvas; nothing where its size is not said."""
    width, height = int(_side(canvas.get("width"))), int(_side(canvas.get("height")))
    return (0, 0, width, height) if width and height else ()


def _cells(
    body: Json, mapping: Mapping[str, Sequence[str]], languages: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """What a manifest or a canvas says of itself."""
    cells, left = columns_of(body.get("metadata"), mapping, languages)
    statement = body.get("requiredStatement")
    required = statement.get("value") if isinstance(statement, dict) else body.get("attribution")
    pages = [id_of(each) for each in things(body.get("homepage", body.get("related")))]
    cells["label"] = text_of(body.get("label"), languages)
    cells["rights"] = text_of(body.get("rights", body.get("license")), languages)
    cells["required_statement"] = text_of(required, languages)
    cells["homepage"] = next(filter(None, pages), "")
    moment = body.get("navDate")
    if isinstance(moment, str) and _MOMENT.match(moment):
        cells.setdefault("date", moment[:10])
    return {column: value for column, value in cells.items() if value}, left


def _pictures(canvas: Json, version: int) -> tuple[list[Painted], int]:
    """The pictures of a canvas, and how many of them stand for choice."""
    size = _side(canvas.get("width")) * _side(canvas.get("height"))
    found: list[Painted] = []
    choices = 0
    for annotation in _painting(canvas, version):
        body = annotation.get("resource" if version == 2 else "body")
        target = annotation.get("on" if version == 2 else "target")
        for each in things(body):
            options = _options(each)
            choices += max(len(options) - 1, 0)
            picture = next((p for one in options if (p := _painted(one, target, size))), None)
            if picture is not None:
                found.append(picture)
    return found, choices


def _painting(canvas: Json, version: int) -> Iterator[Json]:
    if version == 2:
        pages = [canvas.get("images")]
    else:
        pages = [
            page.get("items") for page in things(canvas.get("items")) if isinstance(page, dict)
        ]
    for page in pages:
        for annotation in things(page):
            if isinstance(annotation, dict):
                motives = [str(each) for each in things(annotation.get("motivation"))]
                if any(each.rpartition(":")[2] == "painting" for each in motives):
                    yield annotation


def _options(body: Any) -> list[Any]:
    """What a body leaves to choose, the one that is meant to be seen first."""
    if type_of(body) != "Choice":
        return [body]
    listed = [*things(body.get("default")), *things(body.get("items")), *things(body.get("item"))]
    return [each for each in listed if isinstance(each, dict) and type_of(each) != "Choice"]


def _painted(body: Any, target: Any, canvas: float) -> Painted | None:
    """The picture that an annotation's body is; None: it is none."""
    region, rotation = None, 0
    if type_of(body) == "SpecificResource":
        for selector in things(body.get("selector")):
            if isinstance(selector, dict):
                region = _box(selector.get("region", selector.get("value"))) or region
                rotation = _turn(selector.get("rotation")) or rotation
        inner = things(body.get("source", body.get("full")))
        body = inner[0] if inner else None
    if type_of(body) == "Choice":
        options = _options(body)
        body = options[0] if options else None
    if isinstance(body, str):
        body = {"id": body, "type": "Image"}
    if not isinstance(body, dict) or type_of(body) != "Image":
        return None
    url, _, fragment = id_of(body).partition("#")
    service = service_of(body)
    if not url and service is None:
        return None
    where = _target(target)
    area = min(where[2] * where[3] / canvas, 1.0) if where and canvas else 1.0
    return Painted(url, service, region or _box(fragment), rotation, where, area)


def _target(target: Any) -> Box | None:
    """The part of the canvas that an annotation covers; None: all of it, or nothing is said."""
    for one in things(target):
        where = id_of(one)
        if isinstance(one, dict):
            where = id_of(one.get("source", one.get("full"))) or where
            values = [
                s.get("value", "") for s in things(one.get("selector")) if isinstance(s, dict)
            ]
            where = f"{where}#{values[0]}" if values else where
        if box := _box(where.partition("#")[2]):
            return box
    return None


def _box(text: object) -> Box | None:
    """A region in pixels; None for none, all of it, or one in percent."""
    found = _REGION.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        return None
    x, y, width, height = (int(float(each)) for each in found.groups())
    return (x, y, width, height) if width > 0 and height > 0 else None


def _turn(value: object) -> int:
    try:
        degrees = int(float(str(value).removeprefix("!"))) % 360
    except (ValueError, OverflowError):
        return 0
    return degrees if degrees % 90 == 0 else 0


def _side(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e9 else 0.0
