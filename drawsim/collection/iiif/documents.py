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
    """Pictures in a row. size: of the canvas; boxes: where each picture lies on it.

    A pixel of the canvas is one of its first image, that of the row: Mirador 4 draws annotations in
    the pixels of the first image, whatever the canvas says.
    """

    size: Size
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, sizes: Sequence[Size]) -> Row:
        """The pictures at one height, wide ones less high; as large as the finest needs it.

        >>> Row.of([(50, 100), (400, 200)])
        Row(size=(533, 250), boxes=((0, 0, 125, 250), (133, 25, 400, 200)))
        """
        if len(sizes) == 1:
            return cls(sizes[0], ((0, 0, *sizes[0]),))
        heights = [min(1.0, WIDEST * own / width) for width, own in sizes]  # of the row's
        widths = [each * width / own for each, (width, own) in zip(heights, sizes, strict=True)]
        across = sum(widths) + GAP * (len(sizes) - 1)
        finest = max(own / each for each, (_, own) in zip(heights, sizes, strict=True))
        height = max(1, round(min(finest, ROW, ROW / across)))
        gap = max(1, round(GAP * height))
        boxes: list[Box] = []
        left = 0
        for wide, high in zip(widths, heights, strict=True):
            own = max(1, round(wide * height)), max(1, round(high * height))
            boxes.append((left, (height - own[1]) // 2, *own))
            left += own[0] + gap
        return cls((left - gap, height), tuple(boxes))

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
