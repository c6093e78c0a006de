"""Frames that are found and cut off, and what is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.pixels.frames import Box, crop, inside
from drawsim.pixels.reading import Reading

BLACK, GREEN, WHITE = (12, 10, 14), (30, 160, 60), (250, 248, 245)
SIDES = st.tuples(*[st.integers(8, 40)] * 4)
"""Pixels above, below, left and right of a sheet of 300 × 400: up to a tenth of a side."""


def busy(height: int = 300, width: int = 400, seed: int = 0) -> np.ndarray:
    """A picture with something of middle brightness everywhere."""
    coarse = np.random.default_rng(seed).integers(90, 230, (12, 16, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def framed(
    sheet: np.ndarray, colour: tuple[int, int, int], sides: tuple[int, int, int, int]
) -> tuple[np.ndarray, Box]:
    """The sheet on a ground with a scanner's noise, and where it lies."""
    top, bottom, left, right = sides
    height, width = sheet.shape[:2]
    shape = (height + top + bottom, width + left + right, 3)
    noise = np.random.default_rng(1).normal(0, 4, shape)
    whole = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    whole[top : top + height, left : left + width] = sheet
    return whole, Box(top, top + height, left, left + width)


def nearly(found: Box, sheet: Box, whole: np.ndarray) -> bool:
    """Whether a box is that of the sheet, or inside of it by 3 % of a side at most."""
    rows, columns = (0.03 * side + 2 for side in whole.shape[:2])
    return (
        0 <= found.top - sheet.top <= rows
        and 0 <= sheet.bottom - found.bottom <= rows
        and 0 <= found.left - sheet.left <= columns
        and 0 <= sheet.right - found.right <= columns
    )


@settings(max_examples=40)
@given(sides=SIDES, colour=st.sampled_from([BLACK, GREEN, WHITE]))
def test_a_frame_of_one_colour_is_cut_off(
    sides: tuple[int, int, int, int], colour: tuple[int, int, int]
) -> None:
    whole, sheet = framed(busy(), colour, sides)
    assert nearly(inside(whole), sheet, whole)


@pytest.mark.parametrize("sides", [(20, 0, 30, 0), (0, 25, 0, 12), (15, 15, 15, 0)])
def test_a_sheet_at_one_end_of_the_dark_bed(sides: tuple[int, int, int, int]) -> None:
    whole, sheet = framed(busy(), BLACK, sides)
    found = inside(whole)
    assert nearly(found, sheet, whole)
    for depth, left_over in zip(sides, (found.top, 0, found.left, 0), strict=True):
        assert depth or not left_over  # a side without a frame loses nothing


@pytest.mark.parametrize("degrees", [-1.5, 0.7, 1.5])
def test_a_sheet_that_lies_askew(degrees: float) -> None:
    whole, _ = framed(busy(), BLACK, (25, 25, 25, 25))
    height, width = whole.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    askew = cv2.warpAffine(whole, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    left = crop(askew)
    assert (left.max(axis=2) < 60).mean() < 0.001
    assert left.shape[0] * left.shape[1] > 0.85 * 300 * 400


def test_a_border_of_paper_within_the_bed() -> None:
    paper, picture = framed(busy(), WHITE, (60, 60, 50, 50))
    whole, sheet = framed(paper, BLACK, (12, 12, 12, 12))
    found = Box(
        *(a + b for a, b in zip(picture, (sheet.top,) * 2 + (sheet.left,) * 2, strict=True))
    )
    assert nearly(inside(whole), found, whole)


def sketch() -> np.ndarray:
    """A circle drawn on white paper."""
    image = np.full((300, 400, 3), 245, np.uint8)
    cv2.circle(image, (200, 150), 90, (20, 20, 20), 3)
    return image


def night() -> np.ndarray:
    """A dark sky over a bright field."""
    image = busy()
    image[:40] = 15
    return image


def fading() -> np.ndarray:
    """A picture that grows dark towards all of its edges."""
    rows, columns = np.hanning(300)[:, None, None], np.hanning(400)[None, :, None]
    return (busy() * np.sqrt(rows * columns)).astype(np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        busy(),
        sketch(),
        night(),
        fading(),
        np.full((300, 400, 3), 255, np.uint8),
        np.zeros((300, 400, 3), np.uint8),
        busy(12, 9),
        busy(1, 1),
        busy(3, 900),
    ],
    ids=["busy", "sketch", "night", "fading", "white", "black", "small", "pixel", "thin"],
)
def test_what_is_no_frame_stays(picture: np.ndarray) -> None:
    assert np.array_equal(crop(picture), picture)


@settings(max_examples=40)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    cells=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_something_is_left_of_any_picture(height: int, width: int, cells: int, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 2, (cells, cells, 3), np.uint8) * 255
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    left = crop(picture)
    assert left.shape[0] >= 0.25 * height
    assert left.shape[1] >= 0.25 * width


def test_a_reading_that_crops_sees_the_sheet_alone(tmp_path: Path) -> None:
    whole, sheet = framed(busy(), BLACK, (20, 20, 20, 20))
    file = tmp_path / "scan.png"
    assert cv2.imwrite(str(file), cv2.cvtColor(whole, cv2.COLOR_RGB2BGR))
    cropping = Reading(64, frames="crop")
    found = inside(whole)
    expected = whole[found.top : found.bottom, found.left : found.right]
    assert nearly(found, sheet, whole)
    assert np.array_equal(cropping.read(file), Reading(64).fit(expected))
    assert np.array_equal(cropping.views(cropping.decode(file))[0], cropping.read(file))
    assert cropping.describe() == "areas averaged, frames cropped"
    assert cropping.least_side == 128


def test_a_way_with_frames_that_there_is_not() -> None:
    with pytest.raises(UserError, match="frames=crops: "):
        Reading(64, frames="crops")  # type: ignore[arg-type]


def test_real_scans_lose_their_bed_and_real_artworks_stay(shared_data: Path) -> None:
    from drawsim.pixels.decode import read_image

    def share(files: list[Path]) -> float:
        pictures = [read_image(file) for file in files]
        return sum(crop(each).shape != each.shape for each in pictures) / len(files)

    root = shared_data / "imaj"
    assert share(sorted((root / "drawings").glob("*.webp"))[:60]) > 0.8  # nearly all have a bed
    assert share(sorted((root / "artworks").rglob("*.webp"))[::60]) < 0.05
