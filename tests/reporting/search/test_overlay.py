"""The picture of what matches, and the reliability curve."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from drawsim.reporting.evaluation.reliability import chance_figure, reliability_figure
from drawsim.reporting.search.overlay import HEIGHT, WIDEST, caption, overlay
from drawsim.retrieval.analysis.calibration import Calibration
from drawsim.retrieval.analysis.reliability import Bin, Reliability
from drawsim.retrieval.reranking.spatial import Placement

GRAY = (128, 128, 128)


def placement(mirrored: bool = False) -> Placement:
    """The drawing at half its size in the middle of the artwork; one patch, in its upper left."""
    return Placement(
        scale=0.5,
        shift=(0.25, 0.25),
        mirrored=mirrored,
        score=0.1,
        matches=7,
        chance=1e-9,
        drawing=torch.tensor([[0.2, 0.2]]),
        artwork=torch.tensor([[0.65 if mirrored else 0.35, 0.35]]),
        similarity=torch.tensor([0.9]),
    )


def halves(picture: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """The two pictures on an overlay of two squares."""
    pixels = np.asarray(picture)
    margin = (picture.width - 90 - 2 * HEIGHT) // 2
    rows = slice(margin, margin + HEIGHT)
    return (
        pixels[rows, margin : margin + HEIGHT],
        pixels[rows, picture.width - margin - HEIGHT : picture.width - margin],
    )


def differs(pixels: np.ndarray, x: float, y: float) -> bool:
    """Whether something is drawn at a position of a gray picture."""
    at = pixels[round(y * (HEIGHT - 1)), round(x * (HEIGHT - 1))].astype(int)
    return bool(np.abs(at - 128).max() > 8)


def test_patches_and_frame_are_where_they_belong() -> None:
    square = Image.new("RGB", (50, 50), GRAY)
    left, right = halves(overlay(square, square, placement()))
    drawn_left, drawn_right = left[84, 84], right[147, 147]
    assert np.abs(drawn_left.astype(int) - drawn_right).max() <= 2  # one colour in both
    assert differs(left, 0.2, 0.2)
    assert differs(right, 0.35, 0.35)
    assert not differs(left, 0.2, 0.8)
    assert not differs(right, 0.65, 0.65)  # inside the frame, as it was
    assert differs(right, 0.9, 0.1)  # outside, pale
    assert right[42, 378].min() > 180
    for corner in (0.25, 0.75):
        assert differs(right, corner, 0.5)
        assert differs(right, 0.5, corner)


def test_the_filled_corner_goes_to_the_other_side_in_a_mirror_image() -> None:
    square = Image.new("RGB", (50, 50), GRAY)
    for mirrored, filled, empty in ((False, 0.268, 0.732), (True, 0.732, 0.268)):
        _, right = halves(overlay(square, square, placement(mirrored)))
        assert differs(right, filled, 0.259)
        assert not differs(right, empty, 0.268)


def test_without_a_placement_nothing_is_drawn_over_the_pictures() -> None:
    square = Image.new("RGB", (50, 50), GRAY)
    for pixels in halves(overlay(square, square, None)):
        assert (pixels == 128).all()


@pytest.mark.parametrize("size", [(1, 1), (3000, 20), (20, 3000), (640, 480)])
def test_pictures_of_any_shape_fit(size: tuple[int, int]) -> None:
    page = overlay(Image.new("L", size), Image.new("RGB", (40, 60)), placement())
    assert page.mode == "RGB"
    assert page.width <= 2 * WIDEST + 200
    assert page.height <= HEIGHT + 100


def test_the_caption_has_the_numbers() -> None:
    text = caption(placement(mirrored=True))
    assert text.startswith("1 of 7 patch pairs agree")
    assert "scale 0.50" in text
    assert text.endswith("mirrored")
    # The middle of the drawing lies in the middle of the artwork.
    assert "shift 0 % right, 0 % down" in text
    assert "not mirrored" in caption(placement())


def test_the_reliability_curve_has_a_point_for_each_bin() -> None:
    bins = (Bin(40, 0.05, 0.0), Bin(39, 0.4, 0.5), Bin(41, 0.9, 1.0))
    measured = Reliability(bins, 0.1, 0.25, 0.03)
    calibration = Calibration(0.1, 0.05, ((1.0, 0.0), (2.0, -1.0)), 60, 60, 9, measured, {})
    figure = reliability_figure(calibration, measured)
    with Image.open(io.BytesIO(figure.png)) as picture:
        assert picture.width > 500
    assert "Brier score 0.10, 60% lower than a constant's" in figure.svg
    assert "calibration error 3.0%, 120 drawings" in figure.svg
    assert figure.svg.count("<use") >= len(bins)
    assert "the first is a true match" in chance_figure(calibration).svg
