"""The shapes that the IIIF cookbook and museums give their manifests: each is read right.

They are written here as the specifications have them; what is right was worked out by hand. The
address is what is asked for at 1,000 pixels of images that are 4000 x 3000.
"""

from __future__ import annotations

from typing import Any

import pytest

from drawsim.preparing.iiif.canvases import Canvas, read_canvases
from drawsim.preparing.iiif.documents import (
    document_of,
    following_pages,
    members_of,
)
from drawsim.preparing.iiif.images import image_url, read_info
from tests.checkout import ROOT

Json = dict[str, Any]
M = "https://m.org"
WIDE = {"width": 4000, "height": 3000}
P2 = "http://iiif.io/api/presentation/2/context.json"
P3 = "http://iiif.io/api/presentation/3/context.json"
I2 = "http://iiif.io/api/image/2/context.json"
LEVEL2 = "http://iiif.io/api/image/2/level2.json"
BY = "http://creativecommons.org/licenses/by/4.0/"


def columns() -> dict[str, list[str]]:
    import yaml

    settings = yaml.safe_load((ROOT / "conf" / "step" / "iiif.yaml").read_text("utf-8"))
    found: dict[str, list[str]] = settings["columns"]
    return found


def three(name: str = "a", level: int = 1) -> Json:
    """An image with a service of version 3."""
    service = {"id": f"{M}/{name}", "type": "ImageService3", "profile": f"level{level}"}
    return {"id": f"{M}/{name}/full/max/0/default.jpg", "type": "Image", "service": [service]}


def two(name: str = "a", level: int = 1) -> Json:
    """The same of version 2, in a manifest of version 2."""
    profile = f"http://iiif.io/api/image/2/level{level}.json"
    service = {"@context": I2, "@id": f"{M}/{name}", "profile": profile}
    full = f"{M}/{name}/full/full/0/default.jpg"
    return {"@id": full, "@type": "dctypes:Image", "service": service}


PLAIN = {"id": f"{M}/plain.jpg", "type": "Image", "format": "image/jpeg", **WIDE}


def painting(body: Any, target: Any = f"{M}/c1", **more: Any) -> Json:
    return {"type": "Annotation", "motivation": "painting", "body": body, "target": target, **more}


def canvas(*notes: Json, name: str = "c1", **more: Any) -> Json:
    page = {"id": f"{M}/p", "type": "AnnotationPage", "items": list(notes)}
    return {"id": f"{M}/{name}", "type": "Canvas", **WIDE, "items": [page], **more}


def manifest(*canvases: Json, **more: Any) -> Json:
    own = {"@context": P3, "id": f"{M}/m", "type": "Manifest", "label": {"en": ["Title"]}}
    return own | {"items": list(canvases)} | more


def canvas2(*resources: Json, on: str = f"{M}/c1", **more: Any) -> Json:
    notes = [
        {"@type": "oa:Annotation", "motivation": "sc:painting", "resource": each, "on": on}
        for each in resources
    ]
    return {"@id": f"{M}/c1", "@type": "sc:Canvas", "label": "1", **WIDE, "images": notes} | more


def manifest2(*canvases: Json, **more: Any) -> Json:
    own = {"@context": P2, "@id": f"{M}/m", "@type": "sc:Manifest", "label": "Title"}
    sequence = {"@type": "sc:Sequence", "canvases": list(canvases)}
    return own | {"sequences": [sequence]} | more


def selected(source: Json, **selector: Any) -> Json:
    own = {"type": "ImageApiSelector", **selector}
    return {"type": "SpecificResource", "source": source, "selector": own}


AT_1000 = f"{M}/a/full/1000,/0/default.jpg"
WHOLE = f"{M}/plain.jpg"
CHOICE = {"type": "Choice", "items": [three("a"), three("xray")]}
CHOICE2 = {"@type": "oa:Choice", "default": two("a"), "item": [two("xray")]}
PART2 = {
    "@type": "oa:SpecificResource",
    "full": two("a"),
    "selector": {"@type": "iiif:ImageApiSelector", "region": "100,200,2000,1000"},
}
OLD_SERVICE = {"@id": f"{M}/a", "@type": "ImageService2", "profile": "level1"}
PAIRS = [
    {"label": {"en": ["Creator"], "de": ["Urheber"]}, "value": {"none": ["Ada", "Ben"]}},
    {"label": {"de": ["Datierung"]}, "value": {"de": ["<i>um</i> 1889"], "en": ["ca. 1889"]}},
]
SHAPES: dict[str, tuple[Json, list[str | None], dict[str, str]]] = {
    "one image, no service": (manifest(canvas(painting(PLAIN))), [WHOLE], {"label": "Title"}),
    "one image with a service": (manifest(canvas(painting(three()))), [AT_1000], {}),
    "canvas larger than its image": (
        manifest(canvas(painting(three())) | {"width": 8000, "height": 6000}),
        [AT_1000], {"canvas_box": "0,0,8000,6000"},
    ),
    "a service of version 2 in version 3": (
        manifest(canvas(painting(PLAIN | {"service": [OLD_SERVICE]}))), [AT_1000], {},
    ),
    "a service that is not in a list": (
        manifest(canvas(painting(PLAIN | {"service": three()["service"][0]}))), [AT_1000], {},
    ),
    "a service without the image's address": (
        manifest(canvas(painting({"type": "Image", "service": three()["service"]}))), [AT_1000], {},
    ),
    "a body in a list": (manifest(canvas(painting([three()]))), [AT_1000], {}),
    "several images side by side": (
        manifest(canvas(painting(three("small"), f"{M}/c1#xywh=0,0,10,10"),
                        painting(three("a"), f"{M}/c1#xywh=10,0,3000,3000"))),
        [AT_1000], {"canvas_box": "10,0,3000,3000"},
    ),
    "a target with a selector": (
        manifest(canvas(painting(three(), {
            "type": "SpecificResource", "source": f"{M}/c1",
            "selector": {"type": "FragmentSelector", "value": "xywh=5,6,70,80"}}))),
        [AT_1000], {"canvas_box": "5,6,70,80"},
    ),
    "a choice": (manifest(canvas(painting(CHOICE))), [AT_1000], {}),
    "a part of an image": (
        manifest(canvas(painting(selected(three(), region="100,200,2000,1000")))),
        [f"{M}/a/100,200,2000,1000/1000,/0/default.jpg"], {},
    ),
    "a part, by an address": (
        manifest(canvas(painting(three() | {"id": f"{M}/a.jpg#xywh=100,200,2000,1000"}))),
        [f"{M}/a/100,200,2000,1000/1000,/0/default.jpg"], {},
    ),
    "a turned image": (
        manifest(canvas(painting(selected(three(level=2), rotation="90")))),
        [f"{M}/a/full/1000,/90/default.jpg"], {"canvas_box": ""},
    ),
    "a book with chapters": (
        manifest(
            canvas(painting(three("a"))),
            canvas(painting(three("b")), name="c2"),
            structures=[{"type": "Range", "id": "r0", "label": {"en": ["Book"]}, "items": [
                {"type": "Range", "id": "r1", "label": {"en": ["Chapter 1"]},
                 "items": [{"type": "Canvas", "id": f"{M}/c1"}]},
                {"type": "SpecificResource", "source": f"{M}/c2"}]}],
            behavior=["paged"], viewingDirection="right-to-left",
        ),
        [AT_1000, f"{M}/b/full/1000,/0/default.jpg"], {"range": "Chapter 1"},
    ),
    "metadata on manifest and canvas, in languages": (
        manifest(canvas(painting(three()), label={"de": ["Blatt"], "en": ["leaf"]},
                        metadata=[{"label": {"en": ["Medium"]}, "value": {"en": ["oil"]}}]),
                 metadata=PAIRS),
        [AT_1000],
        {"artist": "Ada; Ben", "date": "ca. 1889", "medium": "oil", "canvas_label": "leaf"},
    ),
    "rights, statement, home page": (
        manifest(canvas(painting(three()), requiredStatement={"value": {"en": ["Leaf's own"]}}),
                 rights=BY, homepage=[{"id": f"{M}/page", "type": "Text"}],
                 requiredStatement={"label": {"en": ["A"]}, "value": {"en": ["<b>Museum</b>"]}}),
        [AT_1000],
        {"rights": BY, "required_statement": "Leaf's own", "homepage": f"{M}/page"},
    ),
    "a date for navigation": (
        manifest(canvas(painting(three())), navDate="1987-01-02T00:00:00Z"),
        [AT_1000], {"date": "1987-01-02"},
    ),
    "comments, tags, thumbnails and accompanying canvases beside it": (
        manifest(
            canvas(
                painting(three()),
                painting(three("note"), motivation="commenting"),
                thumbnail=[three("small")],
                annotations=[{"type": "AnnotationPage", "items": [
                    painting({"type": "TextualBody", "value": "x"}, motivation="tagging")]}],
                placeholderCanvas=canvas(painting(three("p")), name="p"),
            ),
            start={"id": f"{M}/c1", "type": "Canvas"}, provider=[{"type": "Agent"}],
            rendering=[{"id": f"{M}/x.pdf", "type": "Text"}],
        ),
        [AT_1000], {},
    ),
    "sound and film": (
        manifest(canvas(painting({"id": f"{M}/a.mp3", "type": "Sound"})),
                 canvas(painting({"id": f"{M}/a.mp4", "type": "Video"}), name="c2")),
        [None, None], {},
    ),
    "v2: one image": (manifest2(canvas2(two())), [AT_1000], {"label": "Title"}),
    "v2: no service": (
        manifest2(canvas2({"@id": f"{M}/plain.jpg", "@type": "dctypes:Image"})), [WHOLE], {},
    ),
    "v2: a choice": (manifest2(canvas2(CHOICE2)), [AT_1000], {}),
    "v2: a part of an image": (
        manifest2(canvas2(PART2)), [f"{M}/a/100,200,2000,1000/1000,/0/default.jpg"], {},
    ),
    "v2: several images": (
        manifest2(canvas2(two("a"), two("b"))), [AT_1000], {},
    ),
    "v2: a place on the canvas": (
        manifest2(canvas2(two(), on=f"{M}/c1#xywh=1,2,30,40")),
        [AT_1000], {"canvas_box": "1,2,30,40"},
    ),
    "v2: chapters, licence, languages": (
        manifest2(
            canvas2(two()), license=BY, attribution=["Museum", "City"],
            structures=[{"@type": "sc:Range", "@id": "r", "label": "One", "canvases": [f"{M}/c1"]}],
            metadata=[{"label": [{"@value": "Künstler", "@language": "de"}], "value": "Ada"}],
            related=[{"@id": f"{M}/page"}],
        ),
        [AT_1000],
        {"range": "One", "rights": BY, "required_statement": "Museum; City", "artist": "Ada",
         "homepage": f"{M}/page"},
    ),
}  # fmt: skip


def address(found: Canvas, said: Json) -> str:
    """What is asked for at 1,000 pixels, of an image about which a service says this."""
    picture = found.picture
    if picture.service is None:
        return picture.url
    info = read_info(WIDE | said, picture.service)
    assert info is not None
    return image_url(info, 1000, picture.region, picture.rotation).url


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape(name: str) -> None:
    body, wanted, cells = SHAPES[name]
    found = list(read_canvases(document_of(body), columns(), ["en"]))
    assert [each and address(each, {}) for each in found] == wanted
    first = found[0].cells if found[0] else {}
    assert {column: first.get(column, "") for column in cells} == cells


@pytest.mark.parametrize(
    ("said", "level", "wanted"),
    [
        ({"profile": "level2"}, 0, "a/full/1000,/0"),
        ({"profile": "level0"}, 2, "a/full/max/0"),
        ({"profile": "level0", "sizes": [{"width": 1200, "height": 900}]}, 0, "a/full/1200,900/0"),
        ({"profile": "level0", "sizes": [{"width": 500, "height": 375}]}, 0, "a/full/500,375/0"),
        ({"profile": "level0", "extraFeatures": ["sizeByW"]}, 0, "a/full/1000,/0"),
        ({"maxWidth": 640}, 1, "a/full/640,/0"),
        ({"maxWidth": 900, "maxHeight": 300}, 1, "a/full/400,/0"),
        ({"maxArea": 120_000}, 1, "a/full/400,/0"),
        ({"width": 800, "height": 600}, 1, "a/full/max/0"),
    ],
)
def test_what_a_service_can_do(said: Json, level: int, wanted: str) -> None:
    (found,) = read_canvases(document_of(manifest(canvas(painting(three(level=level))))), {}, [])
    assert found is not None
    assert address(found, said) == f"{M}/{wanted}/default.jpg"


@pytest.mark.parametrize(
    ("body", "members", "pages"),
    [
        ({"@context": P3, "type": "Collection", "id": f"{M}/c", "items": [
            {"id": f"{M}/1", "type": "Manifest"}, {"id": f"{M}/2", "type": "Collection"}]},
         ["1", "2"], []),
        ({"@context": P2, "@type": "sc:Collection", "@id": f"{M}/c",
          "manifests": [{"@id": f"{M}/1", "@type": "sc:Manifest"}],
          "collections": [{"@id": f"{M}/2", "@type": "sc:Collection"}]}, ["2", "1"], []),
        ({"@context": P2, "@type": "sc:Collection", "@id": f"{M}/c",
          "members": [{"@id": f"{M}/1", "@type": "sc:Manifest"}], "next": f"{M}/p2"},
         ["1"], ["p2"]),
        ({"@context": P2, "@type": "sc:Collection", "@id": f"{M}/c", "total": 20,
          "first": f"{M}/p1", "last": f"{M}/p9"}, [], ["p1"]),
        ({"@context": P3, "type": "Collection", "id": f"{M}/c", "items": [
            manifest(canvas(painting(three())))]}, ["m"], []),
    ],
)  # fmt: skip
def test_collections(body: Json, members: list[str], pages: list[str]) -> None:
    document = document_of(body)
    assert [each.id.removeprefix(f"{M}/") for each in members_of(document)] == members
    assert [page.removeprefix(f"{M}/") for page in following_pages(document)] == pages
