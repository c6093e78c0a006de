"""Reading IIIF: manifests and collections of both versions, and which image is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.preparing.iiif.canvases import Canvas, read_canvases
from drawsim.preparing.iiif.documents import (
    DocumentError,
    canvases_of,
    document_of,
    following_pages,
    members_of,
    ranges_of,
    read_document,
)
from drawsim.preparing.iiif.images import Service, image_url, read_info, service_of
from drawsim.preparing.iiif.names import names_of
from drawsim.preparing.iiif.texts import text_of
from tests.preparing.museum_server import canvas, described, in_manifest

Json = dict[str, Any]
M = "https://m.org"
COLUMNS = {"artist": ["artist", "creator"], "date": ["date"]}
PLAIN = {"id": f"{M}/plain.jpg", "type": "Image", "format": "image/jpeg"}


def image(name: str, version: int = 3, level: int = 1) -> Json:
    service = f"{M}/images/{name}"
    return {**PLAIN, "id": f"{service}/x.jpg", "service": [in_manifest(service, version, level)]}


def manifest(*canvases: Json, **more: Any) -> Json:
    return {"id": f"{M}/book/manifest", "type": "Manifest", "items": list(canvases), **more}


def read(body: Json, languages: tuple[str, ...] = ("en",)) -> list[Canvas | None]:
    return list(read_canvases(document_of(body), COLUMNS, languages))


def only(body: Json) -> Canvas:
    (found,) = read(body)
    assert found is not None
    return found


def test_the_cases(shared_cases: Path) -> None:
    folder = shared_cases / "museum"
    three = read_document((folder / "iiif_manifest_v3.json").read_bytes(), "x")
    found = [each for each in read_canvases(three, COLUMNS, ["fr"]) if each]
    assert [each.label for each in found] == ["leaf 1r", "leaf 2r", "leaf 3r"]
    assert found[0].cells == {
        "artist": "Example Painter",
        "date": "1912–13",
        "label": "Album, 3 feuillets",
        "rights": "http://creativecommons.org/publicdomain/mark/1.0/",
        "required_statement": "Museum Example",
        "manifest": "https://museum.example/iiif/book1/manifest",
        "canvas": "https://museum.example/iiif/book1/canvas/1",
        "canvas_box": "0,0,2000,3000",
        "image_service": "https://museum.example/images/1",
        "image_profile": "ImageService3 level1",
        "canvas_label": "leaf 1r",
    }
    assert found[2].picture.service == Service("https://museum.example/images/3", 3, 1)
    two = read_document((folder / "iiif_manifest_v2.json").read_bytes(), "x")
    (print7,) = (each for each in read_canvases(two, COLUMNS, ["en"]) if each)
    assert (print7.label, print7.cells["artist"]) == ("p. 1", "Example Engraver")
    assert print7.cells["rights"] == "http://creativecommons.org/licenses/by/4.0/"
    assert print7.cells["required_statement"] == "Museum Example"
    assert print7.picture.service == Service("https://museum.example/images/print7", 2, 2)
    top = read_document((folder / "iiif_collection_v3.json").read_bytes(), "x")
    assert [each.id.rpartition("iiif/")[2] for each in members_of(top)] == [
        "book1/manifest",
        "print7/manifest.json",
    ]


def as_two(body: Json) -> Json:
    """The twin in version 2 of a manifest of version 3."""
    canvases = []
    for one in body["items"]:
        images = [
            {
                "@type": "oa:Annotation",
                "motivation": "sc:painting",
                "on": annotation["target"],
                "resource": {"@id": annotation["body"]["id"], "@type": "dctypes:Image"}
                | {"service": annotation["body"]["service"][0]},
            }
            for page in one["items"]
            for annotation in page["items"]
        ]
        canvases.append(
            {"@id": one["id"], "@type": "sc:Canvas", "label": one["label"]["none"][0]}
            | {"images": images, "width": one["width"], "height": one["height"]}
        )
    return {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": body["id"],
        "@type": "sc:Manifest",
        "label": [{"@value": "Boek", "@language": "nl"}, {"@value": "Book", "@language": "en"}],
        "license": body["rights"],
        "attribution": "<i>Museum</i>",
        "metadata": [
            {"label": [{"@value": "Creator", "@language": "en"}], "value": ["Ada", "Ben"]},
            {"label": "Date", "value": "1889"},
        ],
        "related": {"@id": f"{M}/page", "format": "text/html"},
        "sequences": [{"@type": "sc:Sequence", "canvases": canvases}],
    }


def test_twins_of_both_versions_say_the_same() -> None:
    three = manifest(
        canvas(f"{M}/book/canvas/1", [image("a", 2)]),
        canvas(f"{M}/book/canvas/2", [image("b", 2)]),
        label={"nl": ["Boek"], "en": ["Book"]},
        rights="http://rightsstatements.org/vocab/NoC-US/1.0/",
        requiredStatement={"label": {"en": ["A"]}, "value": {"en": ["<i>Museum</i>"]}},
        metadata=[
            {"label": {"en": ["Creator"]}, "value": {"none": ["Ada", "Ben"]}},
            {"label": {"en": ["Date"]}, "value": {"none": ["1889"]}},
        ],
        homepage=[{"id": f"{M}/page", "type": "Text"}],
    )
    assert read(three) == read(as_two(three))
    assert only(three | {"items": three["items"][:1]}).cells["artist"] == "Ada; Ben"
    assert document_of(as_two(three)).version == 2


def test_an_image_without_a_service_is_taken_as_it_is() -> None:
    picture = only(manifest(canvas(f"{M}/c/1", [PLAIN]))).picture
    assert (picture.url, picture.service, picture.region) == (PLAIN["id"], None, None)


def test_of_several_images_the_one_that_covers_most() -> None:
    one = canvas(f"{M}/c/1", [image("small"), image("large"), image("medium")])
    boxes = "0,0,9,9", "0,0,900,900", "9,9,90,90"
    for annotation, box in zip(one["items"][0]["items"], boxes, strict=True):
        annotation["target"] = f"{M}/c/1#xywh={box}"
    found = only(manifest(one))
    assert found.picture.service == Service(f"{M}/images/large", 3, 1)
    assert found.others == 2
    assert found.cells["canvas_box"] == "0,0,900,900"


def test_a_choice_is_its_first() -> None:
    choice = {"type": "Choice", "items": [image("natural"), image("xray"), image("uv")]}
    found = only(manifest(canvas(f"{M}/c/1", [choice])))
    assert found.picture.service == Service(f"{M}/images/natural", 3, 1)
    assert (found.others, found.choices) == (0, 2)
    old = {"@type": "oa:Choice", "default": image("natural"), "item": [image("xray")]}
    assert only(manifest(canvas(f"{M}/c/1", [old]))).picture == found.picture


@pytest.mark.parametrize(
    "selector",
    [
        {"type": "ImageApiSelector", "region": "10,20,300,400", "rotation": "90"},
        [{"type": "FragmentSelector", "value": "xywh=pixel:10,20,300,400"}],
    ],
)
def test_a_part_of_an_image(selector: object) -> None:
    body = {"type": "SpecificResource", "source": image("map"), "selector": selector}
    picture = only(manifest(canvas(f"{M}/c/1", [body]))).picture
    assert picture.region == (10, 20, 300, 400)
    assert picture.rotation == (90 if isinstance(selector, dict) else 0)
    assert picture.service == Service(f"{M}/images/map", 3, 1)


def test_a_part_in_the_address() -> None:
    body = {**image("map"), "id": f"{M}/images/map/x.jpg#xywh=1,2,3,4"}
    assert only(manifest(canvas(f"{M}/c/1", [body]))).picture.region == (1, 2, 3, 4)


def test_sound_film_and_text_are_no_pictures() -> None:
    film = {"id": f"{M}/film.mp4", "type": "Video", "duration": 3}
    comment = canvas(f"{M}/c/2", [image("a")])
    comment["items"][0]["items"][0]["motivation"] = "commenting"
    assert read(manifest(canvas(f"{M}/c/1", [film]), comment, canvas(f"{M}/c/3", []))) == [None] * 3


def test_services_that_are_not_of_images_are_passed_over() -> None:
    services = [
        {"@id": f"{M}/login", "profile": "http://iiif.io/api/auth/1/login"},
        {"id": f"{M}/search", "type": "SearchService2"},
        {"@id": f"{M}/i/", "@context": "http://iiif.io/api/image/2/context.json", "profile": []},
    ]
    assert service_of({"service": services}) == Service(f"{M}/i", 2, 0)
    one = {"@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json", "@id": "i"}
    level = "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level2"
    assert service_of({"service": {**one, "profile": level}}) == Service("i", 1, 2)


def test_chapters() -> None:
    inner = {
        "id": "r2", "type": "Range", "label": {"en": ["Chapter 1"]},
        "items": [{"id": f"{M}/c/1", "type": "Canvas"}],
    }  # fmt: skip
    whole = {"id": "r1", "type": "Range", "label": {"en": ["Book"]}, "items": [inner]}
    body = manifest(canvas(f"{M}/c/1", [PLAIN]), canvas(f"{M}/c/2", [PLAIN]), structures=[whole])
    assert [each.cells.get("range") for each in read(body) if each] == ["Chapter 1", None]
    flat = [
        {"@id": "r", "@type": "sc:Range", "label": "One", "canvases": [f"{M}/c/2#xywh=0,0,1,1"]}
    ]
    assert list(ranges_of(document_of(manifest(structures=flat)))) == ["//m.org/c/2"]


def test_a_canvas_that_is_listed_twice_is_one() -> None:
    both = manifest(canvas(f"{M}/c/1", [PLAIN]), canvas("http://m.org/c/1/", [PLAIN]))
    assert len(canvases_of(document_of(both))) == 1


def test_pages_and_members_of_collections() -> None:
    two = {
        "@type": "sc:Collection", "@id": f"{M}/top",
        "collections": [{"@id": f"{M}/c", "@type": "sc:Collection"}],
        "manifests": [{"@id": f"{M}/m", "@type": "sc:Manifest"}], "next": f"{M}/top?page=2",
    }  # fmt: skip
    assert [each.id for each in members_of(document_of(two))] == [f"{M}/c", f"{M}/m"]
    assert following_pages(document_of(two)) == [f"{M}/top?page=2"]
    empty = {"@type": "sc:Collection", "@id": f"{M}/top", "first": f"{M}/p1", "total": 9}
    assert following_pages(document_of(empty)) == [f"{M}/p1"]
    whole = {"type": "Collection", "id": "t", "items": [manifest(canvas(f"{M}/c/1", [PLAIN]))]}
    (member,) = members_of(document_of(whole))
    assert member.document is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><p>please log in", "web page"),
        (b"no json", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "no IIIF manifest"),
        (b'{"a": 1}', "no IIIF manifest"),
        (b'{"type": "Canvas", "id": "x"}', "IIIF 'Canvas'"),
        (json.dumps(described("s", 2, 1, 9, 9)).encode(), "describes one image"),
        (
            b'{"@type": "sc:Manifest", "@context": "http://www.shared-canvas.org/ns/context.json"}',
            "Presentation 1",
        ),
        (
            b'{"type": "Manifest", "@context": "http://iiif.io/api/presentation/9/context.json"}',
            "Presentation 9; versions 2 and 3 are read",
        ),
    ],
)
def test_what_is_no_manifest_is_said(data: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        read_document(data, "x")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "type", "items", "body", "target", "label", "value", "metadata", "service",
             "selector", "region", "source", "structures", "motivation", "width", "sizes"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=30,
)  # fmt: skip


@given(junk, junk, junk)
def test_nothing_that_a_stranger_writes_breaks_the_reader(a: Any, b: Any, c: Any) -> None:
    annotation = {"motivation": "painting", "body": a, "target": b}
    one = {"id": "c", "type": "Canvas", "items": [{"items": [annotation]}], "metadata": c}
    two = {"@type": "sc:Manifest", "sequences": [{"canvases": [{"@id": "c", "images": a}]}, b]}
    read(manifest(one, label=a, structures=b, metadata=c, homepage=a, rights=c))
    read(two | {"structures": c})
    list(members_of(document_of({"type": "Collection", "items": a, "members": [b, c]})))
    for service in (Service("s", 3, 1), Service("s", 2, 0)):
        read_info({"width": 10, "height": 10, "sizes": a, "profile": b, "maxWidth": c}, service)


side = st.integers(1, 20_000)
limit = st.none() | st.integers(1, 20_000)


@given(
    side, side, st.integers(16, 5000), st.sampled_from([1, 2, 3]), st.sampled_from([0, 1, 2]),
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4), limit,
    st.none() | st.integers(1, 10**8),
)  # fmt: skip
def test_no_image_is_asked_for_above_its_size_or_a_limit(
    width: int, height: int, size: int, version: int, level: int,
    halves: list[tuple[int, bool]], max_width: int | None, max_area: int | None,
) -> None:  # fmt: skip
    area, longest = max_area or 10**18, max_width or 10**9
    listed = sorted({(max(width >> n, 1), max(height >> n, 1)) for n, _ in halves})
    listed = [(w, h) for w, h in listed if max(w, h) <= longest and w * h <= area]
    body = described("s", version, level, width, height)
    body |= {"sizes": [{"width": w, "height": h} for w, h in listed]} if listed else {}
    body |= {"maxWidth": max_width} if max_width else {}
    body |= {"maxArea": max_area} if max_area else {}
    info = read_info(body, Service("s", version, level))
    assert info is not None
    url, cut, turn = image_url(info, size)
    _, region, asked, rotation, file = url.split("/")
    assert (region, rotation, cut, turn) == ("full", "0", False, 0)
    assert file == ("native.jpg" if version == 1 else "default.jpg")
    if asked in ("full", "max"):
        fits = max(width, height) <= size and max(width, height) <= longest
        assert (fits and width * height <= area) or (level == 0 and not listed)
        assert asked == "max" or version < 3
        return
    w, _, h = asked.partition(",")
    exact = next((each for each in listed if each[0] == int(w)), None)
    wide, high = int(w), int(h) if h else int(w) * height / width
    if level == 0:
        assert exact is not None
    elif exact is None:
        assert max(wide, high) <= max(size, 1) + max(height / width, 1)
        assert wide <= width
        assert wide <= longest
        assert wide == 1 or (high <= longest * (1 + 1e-9) and wide * high <= area * (1 + 1e-9))


def test_a_size_that_is_listed_is_taken_if_it_is_near() -> None:
    info = read_info(
        described("s", 2, 1, 4000, 3000)
        | {"sizes": [{"width": w, "height": w * 3 // 4} for w in (250, 500, 1000, 2000)]},
        Service("s", 2, 1),
    )
    assert info is not None
    assert [image_url(info, size)[0].split("/")[2] for size in (900, 1024, 600, 8000)] == [
        "1000,",
        "1024,",
        "600,",
        "full",
    ]


def test_a_region_is_cut_here_where_the_service_cannot() -> None:
    box = (100, 200, 400, 300)
    for level, wanted in ((0, ("s/full/max/0/default.jpg", True, 90)),
                          (1, ("s/100,200,400,300/200,/0/default.jpg", False, 90)),
                          (2, ("s/100,200,400,300/200,/90/default.jpg", False, 0))):  # fmt: skip
        info = read_info(described("s", 3, level, 1000, 1000), Service("s", 3, level))
        assert info is not None
        assert image_url(info, 200, box, 90) == wanted


def test_texts_in_languages() -> None:
    value = {"en-GB": ["Colour"], "de": ["Farbe"], "none": ["?"]}
    assert [text_of(value, [language]) for language in ("en", "de", "ja")] == [
        "Colour",
        "Farbe",
        "?",
    ]
    assert text_of({"en": ["<script>alert(1)</script>a <a href='x'>b</a>"]}, ["en"]) == "a b"
    assert text_of(None, ["en"]) == ""


@given(st.lists(st.tuples(st.text(), st.text(max_size=100)), unique_by=lambda p: p[1]))
def test_ids_are_unique_and_can_name_files(pairs: list[tuple[str, str]]) -> None:
    names = names_of(pairs, {})
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name and "/" not in name and len(name.encode()) < 250 for name in names)
    known = {f"{m} {c}": name for (m, c), name in zip(pairs, names, strict=True)}
    assert names_of(reversed(pairs), known) == names[::-1]
