"""The style effects: against slow references, and against the images that the thesis's author made.

The author's images lie in the folder `shared` beside the repository; without it they are skipped.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawsim.common.building import config_folder
from drawsim.common.errors import UserError
from drawsim.pixels import styles
from drawsim.pixels.decode import read_image
from drawsim.pixels.styles import EFFECTS, gray, oil, pencil, style_effect

AUTHORS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "styles"
DRAWINGS = ("1998_14-17_0101_RUS_R_C", "2019_14-17_0188_RUS_R_C")
# Mean absolute difference in levels of 255; the author's copies are themselves JPEG, which alone
# costs 1.4 levels in the richest of them.
TOLERANCE = {"oil": 1.7, "water": 1.7, "texture": 1.7, "gray": 0.3, "pencil_gray": 1.0}


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Blotches of few tones with noise on them: neighbourhoods with clear, close and tied modes."""
    rng = np.random.default_rng(seed)
    blotches = cv2.resize(
        rng.integers(0, 256, (4, 5, 3), np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
    )
    noise = rng.integers(-3, 4, (height, width, 3))
    return np.clip(blotches + noise, 0, 255).astype(np.uint8)


def slow_oil(image: np.ndarray, size: int, dyn_ratio: int) -> np.ndarray:
    """The definition, one pixel after the other."""
    luminance = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    tones = np.rint(luminance / dyn_ratio)
    painted = np.empty_like(image)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            around = np.s_[max(0, y - size) : y + size + 1, max(0, x - size) : x + size + 1]
            counts = Counter(tones[around].ravel().tolist())
            commonest = min(counts, key=lambda tone: (-counts[tone], tone))
            same = image[around][tones[around] == commonest]
            painted[y, x] = np.rint(same.mean(axis=0))
    return painted


@pytest.mark.parametrize(("size", "dyn_ratio"), [(1, 1), (5, 1), (3, 20), (9, 8)])
def test_oil_is_its_definition(size: int, dyn_ratio: int) -> None:
    image = picture(37, 45)
    assert np.array_equal(oil(image, size, dyn_ratio), slow_oil(image, size, dyn_ratio))


@settings(max_examples=25)
@given(
    image=arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14), st.just(3))),
    size=st.integers(1, 4),
    dyn_ratio=st.sampled_from([1, 3, 64]),
)
def test_oil_of_anything(image: np.ndarray, size: int, dyn_ratio: int) -> None:
    assert np.array_equal(oil(image, size, dyn_ratio), slow_oil(image, size, dyn_ratio))


def test_oil_counts_tones_that_are_in_reach_from_afar() -> None:
    """A lone tone in a corner is counted by all that it reaches, and by nothing else."""
    image = np.full((30, 40, 3), 200, np.uint8)
    image[0, 39] = 10
    assert np.array_equal(oil(image), slow_oil(image, 5, 1))


def test_oil_has_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(60, 70)
    whole = oil(image)
    monkeypatch.setattr(styles, "_TILE", 16)
    assert np.array_equal(oil(image), whole)


def test_oil_of_an_image_smaller_than_the_neighbourhood() -> None:
    image = picture(4, 3)
    assert np.array_equal(oil(image), slow_oil(image, 5, 1))


def test_gray_weighs_red_green_and_blue() -> None:
    pure = np.eye(3, dtype=np.uint8)[None] * 255  # a red, a green and a blue pixel
    assert gray(pure)[0].tolist() == [[76] * 3, [150] * 3, [29] * 3]  # 0.299, 0.587, 0.114


def test_pencil_keeps_changes_only() -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    image[:, 80:] = 200
    lines = pencil(image, kernel=21)[:, :, 0]
    assert lines[:, :60].min() >= 254  # flat areas turn white, dark or light
    assert lines[:, 100:].min() >= 254
    assert lines[60, 79] < 200  # the dark side of an edge is drawn


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_keeps_shape_and_input(name: str) -> None:
    image = picture(50, 40)
    before = image.copy()
    result = EFFECTS[name](image)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert np.array_equal(image, before)
    assert not np.array_equal(result, image)


@pytest.mark.parametrize("side", [4, 24, 40, 58, 100])
def test_watercolour_of_a_small_flat_image_is_not_black(side: int) -> None:
    """Nothing to outline, nothing to smooth: the colour stays, at any size and shape."""
    for width in (side, 150):
        flat = np.full((side, width, 3), (200, 30, 20), np.uint8)
        assert np.abs(EFFECTS["water"](flat).astype(int) - flat).max() <= 1


@pytest.mark.parametrize("name", EFFECTS)
def test_channels_are_rgb(name: str) -> None:
    """A red picture stays red, or turns gray; it never turns blue."""
    red = np.zeros((40, 40, 3), np.uint8)
    red[:, :, 0] = 200
    mean = EFFECTS[name](red).reshape(-1, 3).mean(axis=0)
    assert mean[0] >= mean[2]
    if name in ("oil", "water", "texture"):
        assert mean[0] > 150
        assert mean[2] < 50


def test_parameters_reach_the_effect() -> None:
    image = picture(40, 50)
    assert np.array_equal(style_effect("oil", {"size": 2})(image), oil(image, size=2))
    assert np.array_equal(style_effect("pencil_gray", {"kernel": 5})(image), pencil(image, 5))
    assert np.array_equal(style_effect("gray", {})(image), gray(image))


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("oill", {}, "did you mean oil?"),
        ("oil", {"sise": 3}, "no such parameter, did you mean size"),
        ("gray", {"size": 3}, "no such parameter, it has none"),
        ("oil", {"size": 0}, "in 1..10"),
        ("oil", {"size": 2.5}, "must be whole"),
        ("water", {"sigma_r": 60}, "in 0..1"),
        ("pencil_gray", {"kernel": 100}, "must be odd"),
        ("pencil_gray", {"kernel": "wide"}, "must be a number"),
    ],
)
def test_wrong_parameters(name: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        style_effect(name, parameters)


def test_the_step_has_the_parameters_of_the_effects() -> None:
    """What is made beforehand and what augmentation makes on the fly are the same."""
    file = config_folder() / "step/styles.yaml"
    step = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert list(step["effects"]) == list(step["parameters"]) == list(EFFECTS)
    image = picture(90, 120)
    for name, parameters in step["parameters"].items():
        signature = inspect.signature(EFFECTS[name]).parameters
        assert set(parameters) == set(signature) - {"image"}
        assert np.array_equal(style_effect(name, parameters)(image), EFFECTS[name](image))


@pytest.mark.real_data
@pytest.mark.skipif(not AUTHORS.is_dir(), reason="no real data: no images of the author")
@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_the_authors_images(drawing: str, name: str) -> None:
    original = read_image(AUTHORS / f"{drawing}.jpg")[:420]
    author = read_image(AUTHORS / f"{drawing}_{name}.jpg")[:320]
    ours = EFFECTS[name](original)[:320].astype(int)  # the cut edge is felt up to 100 rows away
    assert np.abs(ours - author).mean() <= TOLERANCE[name]
