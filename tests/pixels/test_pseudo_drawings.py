"""Simulated drawings: what they depend on, what their settings do, and that they stay alike."""

from __future__ import annotations

import re
from multiprocessing import get_context
from typing import Any

import cv2
import numpy as np
import pytest

from drawsim.common.errors import UserError
from drawsim.pixels.drawing_media import COLOUR_MEDIA, LINE_MEDIA, Medium, Scene
from drawsim.pixels.pseudo_drawings import PseudoDrawing
from drawsim.pixels.warps import look_up, move, wobble

USUAL: dict[str, Any] = {
    "size": 64,
    "line": 0.5,
    "wobble": 0.05,
    "loose": 0.4,
    "missing": 0.4,
    "recolour": 0.4,
    "paper": 0.6,
}
FAITHFUL = {**USUAL, "wobble": 0, "loose": 0, "missing": 0, "recolour": 0, "paper": 0}


def picture(seed: int, height: int = 90, width: int = 110) -> np.ndarray:
    """A few large ellipses of strong colours on a plain ground."""
    rng = np.random.default_rng(seed)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = rng.integers(0, 256, 3)
    for _ in range(4):
        middle = (rng.uniform(0.2, 0.8, 2) * (width, height)).astype(int).tolist()
        axes = np.maximum(rng.uniform(0.1, 0.3, 2) * (width, height), 1).astype(int).tolist()
        colour = rng.integers(0, 256, 3).tolist()
        cv2.ellipse(image, middle, axes, rng.uniform(0, 180), 0, 360, colour, -1)
    return image


def view(seed: int) -> bytes:
    """One drawing, made where this is called."""
    return PseudoDrawing(**USUAL)(picture(1), seed).tobytes()


def test_it_depends_on_picture_and_seed_alone() -> None:
    drawing, image = PseudoDrawing(**USUAL), picture(1)
    before = image.copy()
    views = [drawing(image, seed) for seed in range(40)]
    again = [drawing(image, seed) for seed in reversed(range(40))][::-1]
    assert np.array_equal(views, again)
    assert np.array_equal(image, before)
    assert len({one.tobytes() for one in views}) == 40


def test_another_process_makes_the_same_drawings() -> None:
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(view, range(12)) == [view(seed) for seed in range(12)]


@pytest.mark.parametrize("size", [16, 32, 97])
@pytest.mark.parametrize("shape", [(1, 1), (5, 2000), (300, 2), (64, 64)])
def test_any_shape_gives_the_square(size: int, shape: tuple[int, int]) -> None:
    drawing = PseudoDrawing(**{**USUAL, "size": size, "paper": 1})
    for seed in range(16):
        result = drawing(picture(seed, *shape), seed)
        assert result.shape == (size, size, 3)
        assert result.dtype == np.uint8


def test_gray_pictures_are_drawn_too() -> None:
    gray = np.repeat(picture(2)[:, :, :1], 3, axis=2)
    assert len({PseudoDrawing(**USUAL)(gray, seed).tobytes() for seed in range(16)}) == 16


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_drawn_of_a_blank_picture(level: int) -> None:
    """Most sheets stay white: no lines, no subject. Shading of black is black, though."""
    blank = np.full((64, 64, 3), level, np.uint8)
    drawing = PseudoDrawing(**{**FAITHFUL, "line": 1})
    sheets = [drawing(blank, seed) for seed in range(40)]
    assert np.mean([sheet.min() == 255 for sheet in sheets]) > 0.7


def scene(seed: int = 5, side: int = 80) -> Scene:
    """A picture of which all is seen and drawn."""
    ones = np.ones((side, side), np.float32)
    return Scene(picture(seed, side, side), ones, ones)


@pytest.mark.parametrize("medium", [*LINE_MEDIA, *COLOUR_MEDIA])
def test_nothing_is_drawn_where_parts_are_missing(medium: Medium) -> None:
    """Left of a line everything, right of it nothing: the sheet itself."""
    whole = scene()
    drawn = np.ones((80, 80), np.float32)
    drawn[:, 40:] = 0
    half = Scene(whole.colours, whole.subject, drawn)
    sheet = np.full((80, 80, 3), 255, np.float32)
    for seed in range(8):
        result = medium(half, sheet, np.random.default_rng(seed))
        assert np.isfinite(result).all()
        blank = result[:, 46:]  # lines are as wide as a pen
        assert np.ptp(blank) == 0
        assert np.ptp(result[:, :40]) > 20
    assert sheet.min() == 255


def test_a_pen_leaves_most_of_the_sheet_white() -> None:
    pen = next(iter(LINE_MEDIA))
    sheet = np.full((80, 80, 3), 255, np.float32)
    white = [
        (pen(scene(seed), sheet, np.random.default_rng(seed)).min(axis=2) > 250).mean()
        for seed in range(20)
    ]
    assert min(white) > 0.5
    assert np.mean(white) > 0.75


def colourful(result: np.ndarray) -> float:
    """Mean difference of the strongest and the weakest channel."""
    return float(np.ptp(result.astype(int), axis=2).mean())


def test_line_divides_gray_from_coloured_drawings() -> None:
    """Inks may have a tint, but lines cover little; fills are coloured."""
    means = {}
    for line in (0, 1):
        drawing = PseudoDrawing(**{**FAITHFUL, "line": line})
        means[line] = np.mean([colourful(drawing(picture(s), s)) for s in range(40)])
    assert means[0] > 4 * means[1]


def test_paper_0_is_pure_white() -> None:
    """The corner of a drawing whose background is missing is the sheet."""
    white = PseudoDrawing(**{**FAITHFUL, "line": 0, "missing": 1})
    toned = PseudoDrawing(**{**FAITHFUL, "line": 0, "missing": 1, "paper": 1})
    brightest = [[d(picture(s), s).max(axis=(0, 1)) for s in range(20)] for d in (white, toned)]
    assert np.min(brightest[0]) == 255
    assert np.mean(np.min(brightest[1], axis=1) == 255) < 0.8


def test_recolour_changes_colours_of_a_coloured_drawing_alone() -> None:
    plain = PseudoDrawing(**{**FAITHFUL, "line": 0})
    other = PseudoDrawing(**{**FAITHFUL, "line": 0, "recolour": 1})
    image = picture(4)
    means = [
        np.mean([np.abs(d(image, s).mean((0, 1)) - plain(image, s + 50).mean((0, 1))) for s in r])
        for d, r in ((plain, range(40)), (other, range(40)))
    ]
    assert means[1] > 1.1 * means[0]


def test_no_wobble_leaves_places_as_they_are() -> None:
    still = np.zeros((2, 32, 32), np.float32)
    image = picture(7, 32, 32)
    assert np.array_equal(look_up(image, move(still, np.eye(2, 3))), image)


def test_a_shift_moves_the_picture() -> None:
    image = picture(7, 32, 32)
    quarter = np.array([[1, 0, 0.25], [0, 1, 0]])
    moved = look_up(image, move(np.zeros((2, 32, 32), np.float32), quarter))
    assert np.array_equal(moved[:, :24], image[:, 8:])


def test_wobble_is_bounded_and_leaves_the_edge() -> None:
    for seed in range(30):
        field = wobble(np.random.default_rng(seed), 60, 0.05)
        assert np.abs(field).max() < 0.05 * 1.6  # cubic interpolation overshoots a little
        assert np.abs(field[:, 0]).max() == 0
        assert np.abs(field[:, :, -1]).max() == 0
        assert np.abs(np.diff(field, axis=2)).max() < 0.02  # smooth


def edges(image: np.ndarray) -> np.ndarray:
    """Where there is contrast, whatever its sign and colour: blurred to 12 x 12, normalised."""
    channels = cv2.GaussianBlur(image, (0, 0), 1).astype(np.float32)
    steep = sum(np.abs(cv2.Sobel(channels, cv2.CV_32F, *d)).max(axis=2) for d in ((1, 0), (0, 1)))
    size = cv2.resize(steep, (64, 64), interpolation=cv2.INTER_AREA)
    small = cv2.resize(np.sqrt(size), (12, 12), interpolation=cv2.INTER_AREA).ravel()
    return np.asarray((small - small.mean()) / (small.std() + 1e-9))


@pytest.mark.parametrize(("line", "least"), [(0, 0.8), (1, 0.7)])
def test_a_drawing_is_nearest_to_its_own_picture(line: float, least: float) -> None:
    """Edge maps of drawings rank their own picture first among 10, chance being 1 in 10."""
    drawing = PseudoDrawing(**{**USUAL, "line": line, "loose": 0.2})
    pictures = [picture(seed) for seed in range(10)]
    gallery = np.array([edges(cv2.resize(one, (64, 64))) for one in pictures])
    hits = [
        (gallery @ edges(drawing(one, 10 * number + seed))).argmax() == number
        for number, one in enumerate(pictures)
        for seed in range(10)
    ]
    assert np.mean(hits) > least


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("size", 0),
        ("size", "large"),
        ("line", 1.5),
        ("wobble", 0.21),
        ("loose", -1),
        ("missing", float("nan")),
        ("recolour", True),
        ("paper", 2),
    ],
)
def test_settings_out_of_range(setting: str, value: object) -> None:
    with pytest.raises(UserError, match=re.escape(f"drawing: {setting}={value} must be")):
        PseudoDrawing(**{**USUAL, setting: value})
