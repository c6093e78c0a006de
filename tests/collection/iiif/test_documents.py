"""Canvases and manifests: places of pictures and regions, rights, texts that look like markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.canvases import Place
from drawsim.collection.iiif.documents import Leaf, Region, Row, manifest
from drawsim.collection.iiif.images import Source
from drawsim.collection.iiif.shown import Shown, museum_service

SIZES = st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), min_size=1, max_size=4)
SMALL = Source("http://h/s.jpg", 40, 20)


@given(SIZES)
def test_pictures_in_a_row_keep_their_shape_and_lie_apart(sizes: list[tuple[int, int]]) -> None:
    row = Row.of(sizes)
    end = 0
    for (width, height), (x, y, wide, high) in zip(sizes, row.boxes, strict=True):
        assert x >= end
        assert 0 <= y <= y + high <= row.size[1]
        assert abs(wide / width - high / height) <= 1 / width + 1 / height  # rounding counts
        end = x + wide + 1
    assert end - 1 == row.size[0]
    assert max(row.size) <= 1700 or len(sizes) == 1


def shown(**row: str) -> Shown:
    place = Place(row["canvas"], row["manifest"], (10, 20, 400, 200)) if "canvas" in row else None
    return Shown.of("artwork", "a1", row, Source("http://h/a.jpg", 160, 80), place)


def leaf(pictures: Sequence[Shown], regions: Sequence[Region] = ()) -> Leaf:
    row = Row.of([(each.source.width, each.source.height) for each in pictures])
    whole = Source("http://h/row.jpg", 800, 400)
    return Leaf("http://h/c", "pair", pictures, row, whole, SMALL, regions)


def test_regions_are_in_pixels_of_the_canvas_and_of_the_museums() -> None:
    pictures = [shown(), shown(canvas="https://m/c1", manifest="https://m/m")]
    parts = ((0.5, 0.5, 0.25, 0.5), (0.0, 0.5, 0.5, 0.5))
    canvas = leaf(pictures, [Region("r", parts, "look", "ada")]).json
    # Two pictures of 2 to 1 in a row of 100, for 1.6 times its height are the widest; gap 3.
    first, second = canvas["annotations"][0]["items"]
    assert first["target"] == "http://h/c#xywh=80,50,40,40"
    assert second["target"] == "http://h/c#xywh=163,50,80,40"
    assert (canvas["width"], canvas["height"]) == (323, 100)
    text, there = second["body"]
    assert text["value"] == "look"
    assert there["source"]["id"] == "https://m/c1"
    assert there["source"]["partOf"] == [{"id": "https://m/m", "type": "Manifest"}]
    assert there["selector"]["value"] == "xywh=10,120,200,100"
    assert first["creator"] == {"type": "Person", "name": "ada"}
    assert {first["id"], second["id"]} == {"http://h/c/regions/r/0", "http://h/c/regions/r/1"}


def test_the_row_is_painted_first_and_each_picture_above_it() -> None:
    (page,) = leaf([shown(), shown()]).json["items"]
    bodies = [each["body"]["id"] for each in page["items"]]
    assert bodies == ["http://h/row.jpg", "http://h/a.jpg", "http://h/a.jpg"]
    targets = [each["target"] for each in page["items"]]
    assert targets == [
        "http://h/c",
        "http://h/c#xywh=0,10,160,80",
        "http://h/c#xywh=163,10,160,80",
    ]


CC = "http://creativecommons.org/licenses/by/4.0/"


def test_rights_are_with_the_picture_and_for_people() -> None:
    picture = shown(rights=CC, required_statement="Museum of X", homepage="https://m/a1")
    image = picture.image
    assert image["rights"] == CC
    assert image["homepage"][0]["id"] == "https://m/a1"
    assert "Museum of X" in str(image["requiredStatement"])
    whole = manifest("http://h/m", "pairs", [leaf([picture])])
    assert whole["rights"] == CC  # of all of its pictures
    assert whole["requiredStatement"]["value"]["none"] == ["CC BY 4.0, Museum of X"]
    mixed = manifest("http://h/m", "pairs", [leaf([picture, shown(rights="ask us")])])
    assert "rights" not in mixed  # whose would they be?
    assert mixed["requiredStatement"]["value"]["none"] == ["CC BY 4.0, Museum of X", "ask us"]
    spelt = shown(rights="https://creativecommons.org/licenses/by/4.0/deed.de").image["rights"]
    assert spelt == CC
    assert "rights" not in shown(rights="ask us").image  # of addresses alone
    assert "requiredStatement" not in manifest("http://h/m", "pairs", [leaf([shown()])])


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for each in node.values() for text in texts(each)]
    if isinstance(node, list):
        return [text for each in node for text in texts(each)]
    return [str(node)]


def test_markup_in_texts_is_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    picture = Shown.of("artwork", evil, {"artist": evil, "rights": evil}, SMALL)
    found = manifest("http://h/m", evil, [leaf([picture])])
    for metadata in found["items"][0]["metadata"]:
        # Viewers take what is between < and > for HTML.
        assert metadata["value"]["none"][0].startswith(
            ("<span>&lt;img", evil.replace("_", " ")[1:])
        )
    assert found["requiredStatement"]["value"]["none"][0].startswith("<span>&lt;")


def test_a_homepage_is_an_address_or_none() -> None:
    assert "homepage" not in shown(homepage="javascript:alert(1)").image
    assert (
        museum_service({"image_service": "file:///etc", "image_profile": "ImageService2"}) is None
    )
    assert museum_service({"image_service": "https://m/i", "image_profile": "Other level2"}) is None
    row = {"image_service": "https://m/i/", "image_profile": "ImageService2 level1"}
    found = museum_service(row)
    assert found is not None
    assert (found.id, found.type, found.level) == ("https://m/i", "ImageService2", 1)
