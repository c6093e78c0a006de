"""Simulated photographs: what they depend on, and that they stay photographs of the same work."""

from __future__ import annotations

import re
from multiprocessing import get_context
from typing import Any

import cv2
import numpy as np
import pytest

from drawsim.common.errors import UserError
from drawsim.pixels import photographs
from drawsim.pixels.photographs import OtherPhotograph
from drawsim.pixels.transforms import resize
from drawsim.pixels.warps import perspective

ALL_ON: dict[str, Any] = {
    "size": 64,
    "gray": 0.3,
    "crop": 0.55,
    "turn": 6.0,
    "tilt": 0.06,
    "colour": 0.8,
    "frame": 0.3,
    "wear": 0.6,
}
ALL_OFF = {**ALL_ON, "gray": 0, "crop": 1, "turn": 0, "tilt": 0, "colour": 0, "frame": 0, "wear": 0}


def picture(seed: int, height: int = 90, width: int = 110) -> np.ndarray:
    """Blotches of random colours, with fine noise on them."""
    rng = np.random.default_rng(seed)
    blotches = cv2.resize(
        rng.integers(0, 256, (5, 6, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    noise = rng.integers(-6, 7, (height, width, 3))
    return np.clip(blotches.astype(int) + noise, 0, 255).astype(np.uint8)


def view(seed: int) -> bytes:
    """One view, made where this is called."""
    return OtherPhotograph(**ALL_ON)(picture(1), seed).tobytes()


def test_it_depends_on_picture_and_seed_alone() -> None:
    photograph, image = OtherPhotograph(**ALL_ON), picture(1)
    before = image.copy()
    views = [photograph(image, seed) for seed in range(20)]
    np.random.default_rng(0).random(10)
    again = [photograph(image, seed) for seed in reversed(range(20))][::-1]
    assert np.array_equal(views, again)
    assert np.array_equal(image, before)
    assert len({one.tobytes() for one in views}) == 20


def test_another_process_makes_the_same_views() -> None:
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(view, range(6)) == [view(seed) for seed in range(6)]


@pytest.mark.parametrize("size", [16, 32, 97])
@pytest.mark.parametrize("shape", [(1, 1), (5, 2000), (300, 2), (64, 64)])
def test_any_shape_gives_the_square(size: int, shape: tuple[int, int]) -> None:
    photograph = OtherPhotograph(**{**ALL_ON, "size": size, "wear": 1.0})
    for seed in range(6):
        result = photograph(picture(seed, *shape), seed)
        assert result.shape == (size, size, 3)
        assert result.dtype == np.uint8


def test_with_all_off_it_is_the_picture() -> None:
    """No setting on: nothing but the resizing remains, in two steps."""
    image = picture(3)
    same = OtherPhotograph(**ALL_OFF)(image, 0)
    assert np.abs(same.astype(int) - resize(resize(image, 80), 64)).max() <= 1


def test_a_gray_print_has_no_colour() -> None:
    photograph = OtherPhotograph(**{**ALL_ON, "gray": 1.0})
    for seed in range(30):
        channels = photograph(picture(seed), seed).astype(int)
        assert np.ptp(channels, axis=2).max() <= 2


def test_without_gray_colour_stays() -> None:
    photograph = OtherPhotograph(**{**ALL_ON, "gray": 0.0, "colour": 0.3})
    spread = [np.ptp(photograph(picture(s), s).astype(int), axis=2).mean() for s in range(30)]
    assert min(spread) > 5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_stays_blank_but_for_what_is_on_it(level: int) -> None:
    blank = np.full((40, 60, 3), level, np.uint8)
    quiet = OtherPhotograph(**{**ALL_ON, "frame": 0, "wear": 0})
    for seed in range(20):
        assert np.ptp(quiet(blank, seed).reshape(-1, 3), axis=0).max() == 0


@pytest.mark.parametrize("crop", [0.55, 0.9, 1.0])
def test_the_crop_keeps_its_share(crop: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quadrilateral that is cut out has the promised area and lies within the picture."""
    quads: list[np.ndarray] = []

    def watched(image: np.ndarray, corners: np.ndarray, side: int) -> np.ndarray:
        quads.append(corners / len(image))
        return perspective(image, corners, side)

    monkeypatch.setattr(photographs, "perspective", watched)
    photograph = OtherPhotograph(**{**ALL_ON, "crop": crop, "frame": 0, "turn": 20, "tilt": 0.2})
    for seed in range(60):
        photograph(picture(0), seed)
    for quad in quads:
        assert cv2.contourArea(quad.astype(np.float32)) >= 0.998 * crop
        assert quad.min() >= 0
        assert quad.max() <= 1
    if crop < 1:
        assert len({quad.tobytes() for quad in quads}) == 60


def coarse(image: np.ndarray) -> np.ndarray:
    """Blurred luminance without its mean and spread: an 8 x 8 thumbnail."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (8, 8), interpolation=cv2.INTER_AREA).astype(float).ravel()
    return np.asarray((small - small.mean()) / (small.std() + 1e-9))


def test_a_view_is_nearest_to_its_own_picture() -> None:
    """Thumbnails of views rank their own picture first among 12, far more often than 1 in 12."""
    photograph = OtherPhotograph(**ALL_ON)
    pictures = [picture(seed) for seed in range(12)]
    gallery = np.array([coarse(one) for one in pictures])
    hits = [
        (gallery @ coarse(photograph(one, 12 * number + seed))).argmax() == number
        for number, one in enumerate(pictures)
        for seed in range(8)
    ]
    assert np.mean(hits) > 0.7


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("size", 15),
        ("size", 64.0),
        ("size", True),
        ("gray", 1.1),
        ("gray", "often"),
        ("crop", 0),
        ("turn", 46),
        ("tilt", 0.3),
        ("colour", -0.1),
        ("frame", float("nan")),
        ("wear", 2),
    ],
)
def test_settings_out_of_range(setting: str, value: object) -> None:
    with pytest.raises(UserError, match=re.escape(f"photograph: {setting}={value} must be")):
        OtherPhotograph(**{**ALL_ON, setting: value})
