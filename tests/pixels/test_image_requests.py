"""Parts of images as IIIF asks for them; what it says of each is the oracle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawsim.pixels.image_requests import (
    LARGEST,
    BadRequestError,
    ImageRequest,
    made,
    parse_request,
)

WIDTH, HEIGHT = 300, 200
# Every pixel says where it is.
PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
PIXELS[..., 0] = np.arange(WIDTH) * 255 // WIDTH
PIXELS[..., 1] = (np.arange(HEIGHT) * 255 // HEIGHT)[:, None]


def asked(address: str, width: int = WIDTH, height: int = HEIGHT) -> ImageRequest:
    region, size, rotation, last = address.split("/")
    quality, _, format_ = last.rpartition(".")
    return parse_request((region, size, rotation, quality, format_), width, height)


def image(address: str) -> Image.Image:
    found = Image.open(io.BytesIO(made(asked(address), PIXELS, (WIDTH, HEIGHT))))
    found.load()
    return found


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ("full", (0, 0, 300, 200)),
        ("square", (50, 0, 200, 200)),
        ("10,20,30,40", (10, 20, 30, 40)),
        ("290,190,100,100", (290, 190, 10, 10)),  # cut at the edge
        ("pct:50,50,50,50", (150, 100, 150, 100)),
        ("pct:0,0,0.0001,0.0001", (0, 0, 1, 1)),
        ("pct:99.5,0,100,100", (298, 0, 2, 200)),
    ],
)
def test_regions(region: str, box: tuple[int, ...]) -> None:
    assert asked(f"{region}/max/0/default.jpg").region == box


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ("max", (300, 200)),
        ("^max", (300, 200)),
        ("150,", (150, 100)),
        (",100", (150, 100)),
        ("30,40", (30, 40)),
        ("!100,100", (100, 67)),
        ("!900,900", (300, 200)),
        ("pct:50", (150, 100)),
        ("1,", (1, 1)),
    ],
)
def test_sizes(size: str, found: tuple[int, int]) -> None:
    assert asked(f"full/{size}/0/default.jpg").size == found


@pytest.mark.parametrize(
    "address",
    [
        "0,0,0,10/max/0/default.jpg",  # nothing
        "300,0,10,10/max/0/default.jpg",  # outside
        "-1,0,10,10/max/0/default.jpg",
        "1,2,3/max/0/default.jpg",
        "pct:0,0,0,0/max/0/default.jpg",
        "pct:101,0,10,10/max/0/default.jpg",
        "1e3,0,10,10/max/0/default.jpg",
        "٣,0,10,10/max/0/default.jpg",
        "9999999999,0,1,1/max/0/default.jpg",
        "../max/0/default.jpg",
        "full/0,/0/default.jpg",
        "full/,0/0/default.jpg",
        "full/0,0/0/default.jpg",
        "full/!0,5/0/default.jpg",
        "full/!5,/0/default.jpg",
        "full/,/0/default.jpg",
        "full/full/0/default.jpg",  # of version 2
        "full/301,/0/default.jpg",
        "full/1000000000,/0/default.jpg",
        "full/999999999,999999999/0/default.jpg",
        "full/pct:101/0/default.jpg",
        "full/pct:0/0/default.jpg",
        "full/pct:nan/0/default.jpg",
        "full/max/361/default.jpg",
        "full/max/-90/default.jpg",
        "full/max/nan/default.jpg",
        "full/max/!/default.jpg",
        "full/max/0/native.jpg",
        "full/max/0/default.exe",
        "full/max/0/default.",
    ],
)
def test_what_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(BadRequestError) as error:
        asked(address)
    assert not error.value.unsupported
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["full/^400,/0/default.jpg", "full/max/22.5/default.jpg", "full/max/0/default.tif"]
)
def test_what_others_may_do_is_said_to_be_that(address: str) -> None:
    with pytest.raises(BadRequestError) as error:
        asked(address)
    assert error.value.unsupported


def test_no_side_is_larger_than_is_said() -> None:
    found = asked("full/max/0/default.jpg", 3 * LARGEST, LARGEST)
    assert found.size == (LARGEST, round(LARGEST / 3))
    with pytest.raises(BadRequestError, match="at most"):
        asked(f"full/{LARGEST + 1},/0/default.jpg", 3 * LARGEST, LARGEST)
    within = asked("full/!9999,9999/0/default.jpg", 3 * LARGEST, LARGEST)
    assert max(within.size) == LARGEST


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=6))
def test_any_text_is_read_or_refused(region: str, size: str, rotation: str) -> None:
    try:
        found = parse_request((region, size, rotation, "default", "jpg"), WIDTH, HEIGHT)
    except BadRequestError:
        return
    x, y, wide, high = found.region
    assert 0 <= x < x + wide <= WIDTH
    assert 0 <= y < y + high <= HEIGHT
    assert 0 < found.size[0] <= wide
    assert 0 < found.size[1] <= high


def at(found: Image.Image, x: int, y: int) -> tuple[int, int]:
    """Where in the whole picture a pixel comes from, roughly."""
    pixel: Any = found.convert("RGB").getpixel((x, y))
    return round(pixel[0] / 255 * WIDTH), round(pixel[1] / 255 * HEIGHT)


def near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] - other[0]) <= 4 and abs(one[1] - other[1]) <= 4


def test_pixels_are_those_of_the_region() -> None:
    found = image("100,50,80,40/max/0/default.png")
    assert found.size == (80, 40)
    assert near(at(found, 0, 0), (100, 50))
    assert near(at(found, 79, 39), (179, 89))


@pytest.mark.parametrize(
    ("rotation", "size", "corner"),
    [
        ("0", (300, 200), (0, 0)),
        ("90", (200, 300), (0, 199)),  # clockwise: the lower left comes to the upper left
        ("180", (300, 200), (299, 199)),
        ("270", (200, 300), (299, 0)),
        ("!0", (300, 200), (299, 0)),
        ("!90", (200, 300), (299, 199)),  # mirrored first
        ("360", (300, 200), (0, 0)),
    ],
)
def test_turns(rotation: str, size: tuple[int, int], corner: tuple[int, int]) -> None:
    found = image(f"full/max/{rotation}/default.png")
    assert found.size == size
    assert near(at(found, 0, 0), corner)


def test_qualities_and_formats() -> None:
    assert image("full/30,/0/gray.jpg").mode == "L"
    assert image("full/30,/0/bitonal.png").mode == "1"
    assert image("full/30,/0/color.webp").format == "WEBP"
    assert image("full/30,/0/bitonal.jpg").format == "JPEG"


def test_a_picture_that_was_decoded_smaller_has_the_same_regions() -> None:
    small = np.ascontiguousarray(PIXELS[::2, ::2])
    data = made(asked("100,50,80,40/40,20/0/default.png"), small, (WIDTH, HEIGHT))
    found = Image.open(io.BytesIO(data))
    assert near(at(found, 0, 0), (100, 50))
    assert near(at(found, 39, 19), (178, 88))


def test_what_is_the_same_is_called_the_same() -> None:
    whole = asked("full/max/0/default.jpg").canonical
    assert whole == asked("0,0,300,200/300,200/360/default.jpg").canonical
    assert whole != asked("full/max/0/gray.jpg").canonical
