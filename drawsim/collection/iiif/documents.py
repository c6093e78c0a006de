"""Canvases, manifests and collections: pictures side by side, with the regions that they share.

Source: IIIF Presentation API 3.0 (3 June 2020); W3C Web Annotation Data Model for annotations.

A canvas shows its pictures in a row. Its first painting is one image of the whole row, and each
picture lies above it at its place: viewers that show one image of a canvas show the row, all others
can look at each picture as closely as its museum lets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from drawsim.collection.canvases import Place
from drawsim.collection.iiif.images import Box, Json, Size, Source
from drawsim.collection.iiif.shown import Shown, pair_of, text_of

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
HEIGHT = 1000
"""Pixels that a canvas has at least: boxes are in its pixels, and whole numbers."""
WIDEST = 1.6
"""Widths of a picture in heights of its row; one that is wider is less high."""
GAP = 0.03
"""Between two pictures, in heights of the row."""
ROW = 1600
"""Pixels of the longer side of the one image of a row."""
THUMBNAIL = 400
"""And of the small one."""
Part = tuple[float, float, float, float]
"""x, y, width, height as fractions of the upright picture."""


@dataclass(frozen=True)
class Region:
    """What the pictures of a canvas have in common, by the model or by somebody who looked.

    id: what its annotations are called on the canvas, a part of a path. parts: of each picture;
    None: no part of it, or all. says: in words. by: who says so, empty for the model.
    """

    id: str
    parts: tuple[Part | None, ...]
    says: str
    by: str = ""
    motivation: Literal["commenting", "tagging"] = "commenting"


@dataclass(frozen=True)
class Row:
    """Pictures in a row. size: of the canvas; boxes: where each picture lies on it."""

    size: Size
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, sizes: Sequence[Size]) -> Row:
        """The pictures at one height, which is that of the highest, but wide ones less high.

        >>> Row.of([(50, 100), (400, 200)])
        Row(size=(2130, 1000), boxes=((0, 0, 500, 1000), (530, 100, 1600, 800)))
        """
        height = max(HEIGHT, *(own for _, own in sizes))
        gap = round(GAP * height)
        boxes: list[Box] = []
        left = 0
        for width, own in sizes:
            scale = min(height / own, WIDEST * height / width)
            wide, high = max(1, round(width * scale)), max(1, round(own * scale))
            boxes.append((left, (height - high) // 2, wide, high))
            left += wide + gap
        return cls((left - gap, height), tuple(boxes))

    def image_size(self, sizes: Sequence[Size], longest: int = ROW) -> Size:
        """The row as one image: no larger than its finest picture needs it, nor than `longest`."""
        finest = max(size[0] / box[2] for size, box in zip(sizes, self.boxes, strict=True))
        scale = min(finest, longest / max(self.size))
        return max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))

    def part(self, picture: int, part: Part) -> Box:
        """A part of a picture in pixels of the canvas."""
        found = Place("", "", self.boxes[picture]).part(part)
        assert found is not None
        return found


@dataclass(frozen=True)
class Leaf:
    """A canvas.

    address: its id. shown: its pictures, from left to right. row: where they lie. whole: one image
    of all; None: there is one picture, which is it. thumbnail: a small one. regions: what they
    share; more: the address of an annotation page that tells further ones. facts: name -> text.
    """

    address: str
    label: str
    shown: Sequence[Shown]
    row: Row
    whole: Source | None
    thumbnail: Source
    regions: Sequence[Region] = ()
    more: str = ""
    facts: Sequence[tuple[str, str]] = ()

    @property
    def json(self) -> Json:
        """The canvas as manifests have it."""
        boxes = zip(self.shown, self.row.boxes, strict=True)
        images = [(self._at(box), each.image) for each, box in boxes]
        if self.whole is not None:
            images.insert(0, (self.address, self.whole.json))
        found: Json = {
            "id": self.address,
            "type": "Canvas",
            "label": text_of(self.label),
            "width": self.row.size[0],
            "height": self.row.size[1],
            "thumbnail": [self.thumbnail.json],
            "metadata": [
                *(pair_of(name, text) for name, text in self.facts),
                *(line for each in self.shown for line in each.metadata),
            ],
            "items": [
                {
                    "id": f"{self.address}/pictures",
                    "type": "AnnotationPage",
                    "items": [
                        {
                            "id": f"{self.address}/pictures/{number}",
                            "type": "Annotation",
                            "motivation": "painting",
                            "body": body,
                            "target": target,
                        }
                        for number, (target, body) in enumerate(images)
                    ],
                }
            ],
        }
        pages = [self.annotation_page(f"{self.address}/regions")] if self.regions else []
        if self.more:
            pages.append({"id": self.more, "type": "AnnotationPage"})
        if pages:
            found["annotations"] = pages
        return found

    def annotation_page(self, address: str) -> Json:
        """The regions as an annotation page, without its context."""
        return {"id": address, "type": "AnnotationPage", "items": list(self.annotations())}

    def annotations(self) -> Iterable[Json]:
        """An annotation for each region and picture: of the model `linking`, too.

        Of a picture that came by IIIF a body names the region on the canvas of its museum.
        """
        for region in self.regions:
            linked = len([part for part in region.parts if part]) > 1
            for number, (each, part) in enumerate(zip(self.shown, region.parts, strict=True)):
                if part is None:
                    continue
                bodies: list[Json] = [
                    {
                        "type": "TextualBody",
                        "value": region.says,
                        "format": "text/plain",
                        "language": "en",
                    }
                ]
                if each.place is not None:
                    bodies.append(_on_museum_canvas(each.place, part))
                motives = [region.motivation, *(["linking"] if linked else [])]
                yield {
                    "id": f"{self.address}/regions/{region.id}/{number}",
                    "type": "Annotation",
                    "motivation": motives if linked else region.motivation,
                    **({"creator": _creator(region.by)} if region.by else {}),
                    "body": bodies if len(bodies) > 1 else bodies[0],
                    "target": self._at(self.row.part(number, part)),
                }

    def _at(self, box: Box) -> str:
        return f"{self.address}#xywh={','.join(map(str, box))}"


def manifest(
    address: str, label: str, leaves: Sequence[Leaf], summary: str = "", **more: object
) -> Json:
    """A manifest of canvases. more: further entries, such as partOf or service."""
    pictures = [each for leaf in leaves for each in leaf.shown]
    owed = list(dict.fromkeys(each.rights.line for each in pictures if each.rights.line))
    rights = {each.image.get("rights") for each in pictures}
    found: Json = {
        "@context": CONTEXT,
        "id": address,
        "type": "Manifest",
        "label": text_of(label),
        **({"summary": text_of(summary, "en")} if summary else {}),
    }
    if owed:
        found["requiredStatement"] = {
            "label": text_of("Rights", "en"),
            "value": {"none": [pair_of("", each)["value"]["none"][0] for each in owed]},
        }
    if len(rights) == 1 and (right := rights.pop()):
        found["rights"] = right
    if leaves:
        found["thumbnail"] = [leaves[0].thumbnail.json]
    return {**found, **more, "items": [leaf.json for leaf in leaves]}


def collection(address: str, label: str, manifests: Sequence[Json], summary: str = "") -> Json:
    """A collection of manifests. manifests: as they are, or what is said of them here of these."""
    kept = ("id", "type", "label", "thumbnail")
    return {
        "@context": CONTEXT,
        "id": address,
        "type": "Collection",
        "label": text_of(label),
        **({"summary": text_of(summary, "en")} if summary else {}),
        "items": [{key: each[key] for key in kept if key in each} for each in manifests],
    }


def _on_museum_canvas(place: Place, part: Part) -> Json:
    """A part of a picture as a part of the canvas that its museum shows it on."""
    box = place.part(part)
    found: Json = {
        "type": "SpecificResource",
        "purpose": "linking",
        "source": {
            "id": place.canvas,
            "type": "Canvas",
            **({"partOf": [{"id": place.manifest, "type": "Manifest"}]} if place.manifest else {}),
        },
    }
    if box is not None:
        found["selector"] = {
            "type": "FragmentSelector",
            "conformsTo": "http://www.w3.org/TR/media-frags/",
            "value": f"xywh={','.join(map(str, box))}",
        }
    return found


def _creator(name: str) -> Json:
    return {"type": "Person", "name": name}
