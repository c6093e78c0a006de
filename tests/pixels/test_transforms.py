"""Resizing and augmentation: the numbers mean what they say, and the seed decides everything."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from drawsim.common.errors import UserError
from drawsim.pixels.styles import EFFECTS
from drawsim.pixels.transforms import Augmentation, StyleEffect, resize

CONF = Path(__file__).resolve().parents[2] / "conf" / "aug"
OFF: dict[str, Any] = {
    "size": 56,
    "crop_scale": (1, 1),
    "crop_ratio": (1, 1),
    "oversize": 1,
    "jitter": 0,
    "flip": 0,
    "rotate": 0,
    "gray": 0,
    "styles": (),
    "style_p": 0,
}
THESIS = OFF | {
    "crop_scale": (0.08, 1),
    "crop_ratio": (3 / 4, 4 / 3),
    "oversize": 330 / 280,
    "jitter": 0.1,
    "flip": 0.2,
    "rotate": 5,
    "gray": 0.4,
}
STYLE = THESIS | {"styles": list(EFFECTS), "style_p": 5 / 6}


def picture(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def views(augmentation: Augmentation, kind: Any = "drawing", n: int = 24) -> np.ndarray:
    return np.stack([augmentation(picture(), kind, seed) for seed in range(n)])


def views_of_pickled(data: bytes) -> np.ndarray:
    return views(pickle.loads(data))


def test_shrinking_averages_over_areas() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    expected = image.reshape(30, 2, 30, 3, 3).mean(axis=(1, 3))
    assert np.abs(resize(image, 30) - expected).max() <= 0.5 + 1e-6


def test_growing_interpolates_and_does_not_overshoot() -> None:
    image = np.array([[0, 100]], np.uint8)[:, :, None].repeat(3, axis=2)
    row = resize(image, 8)[0, :, 0].astype(int)
    # pixel centres: 8 new ones over 2 old ones, linear between the old centres, constant outside
    expected = 100 * np.clip((np.arange(8) + 0.5) / 4 - 0.5, 0, 1)
    assert np.abs(row - expected).max() <= 0.5


def test_a_side_that_shrinks_is_averaged_even_where_the_other_grows() -> None:
    stripes = np.zeros((400, 10, 3), np.uint8)
    stripes[::2] = 200
    assert resize(stripes, 40).shape == (40, 40, 3)
    assert np.abs(resize(stripes, 40).astype(int) - 100).max() <= 1


def test_an_image_of_the_right_size_is_kept() -> None:
    image = picture(56, 56)
    assert np.array_equal(resize(image, 56), image)


@pytest.mark.parametrize("kind", ["drawing", "artwork"])
def test_all_off_is_resize(kind: Any) -> None:
    image = picture()
    for seed in range(5):
        assert np.array_equal(Augmentation(**OFF)(image, kind, seed), resize(image, 56))


def test_the_seed_decides_everything() -> None:
    image = picture()
    before = image.copy()
    first, second = Augmentation(**STYLE), Augmentation(**STYLE)
    forward = [first(image, "drawing", seed) for seed in range(24)]
    second(image, "artwork", 99)  # an earlier call leaves no trace
    backward = [second(image, "drawing", seed) for seed in reversed(range(24))]
    assert np.array_equal(forward, backward[::-1])
    assert np.array_equal(image, before)
    assert len({view.tobytes() for view in forward}) == 24
    assert all(view.shape == (56, 56, 3) and view.dtype == np.uint8 for view in forward)
    assert all(view.flags.c_contiguous for view in forward)


def test_a_spawned_process_makes_the_same_views() -> None:
    augmentation = Augmentation(**STYLE)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(views_of_pickled, pickle.dumps(augmentation)).result()
    assert np.array_equal(elsewhere, views(augmentation))


def is_flipped(view: np.ndarray) -> bool:
    plain = resize(picture(), 56).mean(axis=2)
    seen = view.mean(axis=2)
    return bool(np.abs(seen - plain).mean() > np.abs(seen[:, ::-1] - plain).mean())


def is_gray(view: np.ndarray) -> bool:
    return bool((view == view[:, :, :1]).all())


@pytest.mark.parametrize(
    ("settings", "seen"), [({"flip": 0.2}, is_flipped), ({"gray": 0.4}, is_gray)]
)
def test_probabilities(settings: dict[str, float], seen: Callable[[np.ndarray], bool]) -> None:
    n, p = 600, next(iter(settings.values()))
    share = np.mean([seen(view) for view in views(Augmentation(**OFF | settings), n=n)])
    assert abs(share - p) < 4 * (p * (1 - p) / n) ** 0.5


def test_steps_are_independent() -> None:
    """Flip and gray meet as often as chance has it; one seed for each step would tie them."""
    n = 800
    both = views(Augmentation(**OFF | {"flip": 0.5, "gray": 0.5}), n=n)
    share = np.mean([is_flipped(view) and is_gray(view) for view in both])
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / n) ** 0.5


def test_crops_keep_the_share_and_aspect_asked_for() -> None:
    """A picture of its own coordinates tells where each view was cut."""
    side = 240
    y, x = np.mgrid[:side, :side]
    coordinates = np.dstack([x, y, np.zeros_like(x)]).astype(np.uint8)
    settings = OFF | {"size": side, "crop_scale": (0.08, 1), "crop_ratio": (3 / 4, 4 / 3)}
    augmentation = Augmentation(**settings)
    shares, ratios = [], []
    for seed in range(200):
        view = augmentation(coordinates, "artwork", seed).astype(int)
        width = view[0, -1, 0] - view[0, 0, 0] + 1
        height = view[-1, 0, 1] - view[0, 0, 1] + 1
        shares.append(width * height / side**2)
        ratios.append(width / height)
    assert 0.07 < min(shares) < 0.2
    assert 0.8 < max(shares) <= 1
    assert 0.73 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.37


def test_jitter_is_bounded_and_needed() -> None:
    flat = np.full((20, 20, 3), (200, 120, 60), np.uint8)
    augmentation = Augmentation(**OFF | {"jitter": 0.1})
    levels = [augmentation(flat, "drawing", seed).mean() for seed in range(60)]
    assert min(levels) < 0.95 * flat.mean()
    assert max(levels) > 1.05 * flat.mean()
    assert 0.89 * flat.mean() < min(levels)
    assert max(levels) < 1.11 * flat.mean()


def test_rotation_is_bounded_and_leaves_black_corners() -> None:
    """A bar through the centre: its tilt is the angle."""
    bar = np.full((201, 201, 3), 50, np.uint8)
    bar[98:103] = 250
    augmentation = Augmentation(**OFF | {"size": 201, "rotate": 5})
    tilts, corners = [], []
    for seed in range(60):
        view = augmentation(bar, "drawing", seed)[:, :, 0].astype(float)
        bright = np.where(view > 120, view, 0)
        centre = (bright * np.arange(201)[:, None]).sum(axis=0) / bright.sum(axis=0)
        tilts.append(np.degrees(np.arctan((centre[170] - centre[30]) / 140)))
        corners.append(view[0, 0])
    assert -5.1 < min(tilts) < -3.5
    assert 3.5 < max(tilts) < 5.1
    assert min(corners) == 0


def test_styles_fall_on_drawings_only_each_as_often() -> None:
    augmentation = Augmentation(**OFF | {"styles": list(EFFECTS), "style_p": 5 / 6})
    plain = resize(picture(), 56)
    expected = {name: effect(plain).tobytes() for name, effect in EFFECTS.items()}
    expected["none"] = plain.tobytes()
    n = 600
    seen = [augmentation(picture(), "drawing", seed).tobytes() for seed in range(n)]
    for name, view in expected.items():
        assert abs(seen.count(view) / n - 1 / 6) < 4 * (1 / 6 * 5 / 6 / n) ** 0.5, name
    assert np.array_equal(augmentation(picture(), "artwork", 3), plain)


def test_style_effect_as_a_transform() -> None:
    image = picture()
    for name, effect in EFFECTS.items():
        assert np.array_equal(StyleEffect(name, p=1)(image=image)["image"], effect(image))
    with pytest.raises(UserError, match="did you mean water"):
        StyleEffect("watre")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"styles": ["pencil"], "style_p": 0.5}, "unknown style effect 'pencil'.*pencil_gray"),
        ({"styles": ["pencil"]}, "unknown style effect"),
        ({"style_p": 0.5}, "at least one effect"),
        ({"crop_scale": (0, 1)}, r"crop_scale=\(0, 1\)"),
        ({"crop_ratio": (2, 1)}, "crop_ratio"),
        ({"oversize": 0.5}, "oversize=0.5 must be a number in 1"),
        ({"jitter": 2}, "jitter=2"),
        ({"flip": -0.1}, "flip=-0.1 must be a probability"),
        ({"gray": 40}, "gray=40 must be a probability"),
        ({"rotate": -5}, "rotate"),
        ({"size": 0}, "size=0"),
    ],
)
def test_impossible_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Augmentation(**OFF | settings)


def test_a_copy_is_the_effect_before_anything_else() -> None:
    augmentation = Augmentation(**STYLE)
    assert augmentation.copies == ()
    assert augmentation.reads == 2 * 56
    view = augmentation(picture(), "drawing", 3, copy="oil")
    assert np.array_equal(view, augmentation(EFFECTS["oil"](picture()), "drawing", 3))
    assert not np.array_equal(view, augmentation(picture(), "drawing", 3))


@pytest.mark.parametrize(("name", "settings"), [("none", OFF), ("basic", THESIS), ("style", STYLE)])
def test_the_config_files(name: str, settings: dict[str, Any]) -> None:
    config = OmegaConf.merge({"image_size": 56}, {"aug": OmegaConf.load(CONF / f"{name}.yaml")})
    transform = {key: value for key, value in config.aug.items() if key != "name"}
    assert config.aug.name == name
    assert set(transform) - {"exact"} == {"_target_", *settings}
    assert transform.get("exact", False) is False
    configured = pickle.loads(pickle.dumps(instantiate(transform)))
    assert np.array_equal(views(configured, n=6), views(Augmentation(**settings), n=6))
