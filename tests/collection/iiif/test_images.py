"""Images that are cut into files beforehand: what viewers ask for is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drawsim.collection.iiif.images import TILE, ImageService, image_info, tiles

SIDES = st.integers(1, 5000)


@given(SIDES, SIDES)
def test_all_that_a_viewer_asks_for_is_cut(width: int, height: int) -> None:
    info = image_info(ImageService("http://h/i"), width, height)
    cut = {address: (box, size) for address, box, size in tiles(width, height)}
    asked = {"full/max/0/default.jpg"}
    asked |= {
        f"full/{each['width']},{each['height']}/0/default.jpg" for each in info.get("sizes", [])
    }
    # As the specification has it (Image API 3.0, "implementation notes", requests for tiles).
    for factor in info["tiles"][0]["scaleFactors"]:
        covered = 0
        for y in range(0, height, TILE * factor):
            for x in range(0, width, TILE * factor):
                wide, high = min(TILE * factor, width - x), min(TILE * factor, height - y)
                size = f"{-(-wide // factor)},{-(-high // factor)}"
                if (wide, high) == (width, height):
                    whole = "max" if factor == 1 else size
                    asked.add(f"full/{whole}/0/default.jpg")
                else:
                    asked.add(f"{x},{y},{wide},{high}/{size}/0/default.jpg")
                covered += wide * high
        assert covered == width * height
    assert set(cut) == asked
    for (x, y, wide, high), pixels in cut.values():
        assert 0 <= x < x + wide <= width
        assert 0 <= y < y + high <= height
        assert max(pixels) <= max(TILE, width, height)


def test_services_of_earlier_versions_are_named_as_theirs() -> None:
    two = ImageService("https://m/i", "ImageService2", 1).json
    assert two == {
        "@id": "https://m/i",
        "@type": "ImageService2",
        "profile": "http://iiif.io/api/image/2/level1.json",
    }
    assert ImageService("https://m/i", level=2).json["profile"] == "level2"
