"""The thesis's transforms: step by step against formulas, and as a whole against torchvision's."""

from __future__ import annotations

import pickle
import random
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from torchvision import transforms

from drawsim.common.building import build
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.pixels.styles import EFFECTS
from drawsim.pixels.thesis_transforms import ThesisAugmentation, augmentation, squash
from drawsim.pixels.transforms import Augmentation

SIZE = 56
MEAN = 255 * np.array([0.485, 0.456, 0.406])
STD = 255 * np.array([0.229, 0.224, 0.225])
OFF: dict[str, Any] = {
    "size": SIZE,
    "crop_scale": (1, 1),
    "crop_ratio": (1, 1),
    "oversize": 1,
    "jitter": 0,
    "flip": 0,
    "rotate": 0,
    "gray": 0,
    "copies": (),
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


def picture(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """Pixel i of n has its centre at (i + 0.5) / n; between centres linear, outside constant."""
    for axis in (0, 1):
        n = image.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
        low = np.floor(at).astype(int)
        share = (at - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        below = np.take(image, low, axis).astype(float)
        above = np.take(image, np.minimum(low + 1, n - 1), axis)
        image = (1 - share) * below + share * above
    return image


def gray_levels(levels: np.ndarray) -> np.ndarray:
    """Levels whose normalised values are, in every channel, the gray of the given ones'."""
    gray = (levels - MEAN) / STD @ [0.2989, 0.587, 0.114]
    return np.asarray(MEAN + STD * gray[:, :, None])


def is_gray(view: np.ndarray) -> bool:
    """Whether the normalised values of the channels are the same."""
    return float(np.ptp((view - MEAN) / STD, axis=2).max()) < 1e-4


def is_flipped(view: np.ndarray) -> bool:
    plain = squash(picture(), SIZE)
    return bool(np.abs(view - plain).mean() > np.abs(view[:, ::-1] - plain).mean())


@settings(max_examples=40)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70))
def test_squash_is_bilinear_without_antialias(height: int, width: int, size: int) -> None:
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    square = squash(noise, size)
    assert square.shape == (size, size, 3)
    assert square.dtype == np.float32
    assert square.flags.c_contiguous
    assert np.abs(square - bilinear(noise, size)).max() < 0.01


def test_all_off_is_squash() -> None:
    view = ThesisAugmentation(**OFF)(picture(), "drawing", 0)
    assert view.shape == (SIZE, SIZE, 3)
    assert view.dtype == np.float32
    assert view.flags.c_contiguous
    assert np.abs(view - squash(picture(), SIZE)).max() < 1e-3


def test_first_it_is_resized_to_the_larger_square() -> None:
    """Two resizings in a row, both without antialias, are not the same as one."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 150, 3), np.uint8)
    view = ThesisAugmentation(**OFF | {"oversize": 330 / 280})(noise, "artwork", 0)
    assert np.abs(view - bilinear(bilinear(noise, 66), SIZE)).max() < 0.02
    assert np.abs(view - bilinear(noise, SIZE)).mean() > 5


@pytest.mark.parametrize("kind", ["drawing", "artwork"])
def test_the_whole_is_the_thesis_s_pipeline(kind: Any) -> None:
    """Its list of steps in torchvision's own classes, with the same draws."""
    steps = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Resize((330, 330), antialias=False),
            transforms.RandomResizedCrop(280, antialias=False),
            transforms.ColorJitter(brightness=0.1, contrast=0.1, saturation=0.1),
            transforms.RandomHorizontalFlip(0.2),
            transforms.RandomRotation(5),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            transforms.RandomGrayscale(0.4),
        ]
    )
    image = picture(400, 300)
    ours = ThesisAugmentation(**THESIS | {"size": 280})
    grays = 0
    for seed in range(12):
        view = ours(image, kind, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            expected = steps(image).numpy().transpose(1, 2, 0)
        assert np.abs((view - MEAN) / STD - expected).max() < 1e-5
        grays += is_gray(view)
    assert 0 < grays < 12


def test_gray_is_made_of_normalised_values() -> None:
    view = ThesisAugmentation(**OFF | {"gray": 1})(picture(), "drawing", 0)
    plain = squash(picture(), SIZE)
    assert np.abs(view - gray_levels(plain)).max() < 1e-3
    # Gray of levels, as usual, is another picture, and has equal channels.
    assert np.abs(view - (plain @ [0.2989, 0.587, 0.114])[:, :, None]).mean() > 1
    assert np.ptp(view, axis=2).max() > 1


def test_gray_can_leave_the_range_of_levels() -> None:
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    view = ThesisAugmentation(**OFF | {"gray": 1})(black, "drawing", 0)
    assert view.min() < 0
    assert np.abs(view - gray_levels(black.astype(float))).max() < 1e-3


def test_corners_are_black_before_gray_and_after_jitter() -> None:
    """Contrast would lift black corners towards the mean; gray turns them into its own black."""
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    turned = OFF | {"rotate": 5, "jitter": 0.5}
    gray_black = gray_levels(np.zeros((1, 1, 3)))[0, 0]
    found = 0
    for seed in range(20):
        plain = ThesisAugmentation(**turned)(image, "drawing", seed)
        gray = ThesisAugmentation(**turned | {"gray": 1})(image, "drawing", seed)
        if plain[0, 0].max() < 50:
            found += 1
            assert np.abs(plain[0, 0]).max() < 1e-3
            assert np.abs(gray[0, 0] - gray_black).max() < 1e-3
    assert found > 5


def test_rotation_takes_the_nearest_pixel_within_its_bounds() -> None:
    bar = np.full((201, 201, 3), 50, np.uint8)
    bar[98:103] = 250
    augmentation = ThesisAugmentation(**OFF | {"size": 201, "rotate": 5})
    tilts = []
    for seed in range(40):
        view = augmentation(bar, "drawing", seed)[:, :, 0]
        assert set(np.rint(view).astype(int).flat) <= {0, 50, 250}  # nothing in between
        centre = ((view > 120) * np.arange(201)[:, None]).sum(axis=0) / (view > 120).sum(axis=0)
        tilts.append(np.degrees(np.arctan((centre[170] - centre[30]) / 140)))
    assert -5.4 < min(tilts) < -3.5
    assert 3.5 < max(tilts) < 5.4


def test_crops_keep_the_share_and_aspect_asked_for() -> None:
    side = 240
    y, x = np.mgrid[:side, :side]
    coordinates = np.dstack([x, y, np.zeros_like(x)]).astype(np.uint8)
    crop = {"size": side, "crop_scale": (0.08, 1), "crop_ratio": (3 / 4, 4 / 3)}
    augmentation = ThesisAugmentation(**OFF | crop)
    shares, ratios = [], []
    for seed in range(150):
        view = augmentation(coordinates, "artwork", seed)
        width = view[0, -1, 0] - view[0, 0, 0] + 1
        height = view[-1, 0, 1] - view[0, 0, 1] + 1
        shares.append(width * height / side**2)
        ratios.append(width / height)
    assert 0.07 < min(shares) < 0.2
    assert 0.8 < max(shares) <= 1.001
    assert 0.73 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.37


def test_jitter_is_bounded_and_needed() -> None:
    flat = np.full((20, 20, 3), (200, 120, 60), np.uint8)
    augmentation = ThesisAugmentation(**OFF | {"jitter": 0.1})
    levels = [augmentation(flat, "drawing", seed).mean() / flat.mean() for seed in range(60)]
    assert 0.89 < min(levels) < 0.93
    assert 1.07 < max(levels) < 1.11


@pytest.mark.parametrize(("step", "p", "seen"), [("flip", 0.2, is_flipped), ("gray", 0.4, is_gray)])
def test_probabilities(step: str, p: float, seen: Any) -> None:
    augmentation = ThesisAugmentation(**OFF | {step: p})
    n = 500
    share = np.mean([seen(augmentation(picture(), "drawing", seed)) for seed in range(n)])
    assert abs(share - p) < 4 * (p * (1 - p) / n) ** 0.5


class Views(torch.utils.data.Dataset[np.ndarray]):
    """A view for each seed."""

    def __init__(self, augmentation: ThesisAugmentation, image: np.ndarray) -> None:
        self.augmentation, self.image = augmentation, image

    def __len__(self) -> int:
        return 12

    def __getitem__(self, seed: int) -> np.ndarray:
        return self.augmentation(self.image, "drawing", seed)


def test_the_seed_decides_everything() -> None:
    """Another object, order of calls, process or number of threads makes no difference."""
    # Noise of this size: its mean, in contrast, depends on the number of threads.
    image = np.random.default_rng(0).integers(0, 256, (330, 330, 3), np.uint8)
    before = image.copy()
    augmentation = ThesisAugmentation(**THESIS | {"size": 280})
    views = np.stack([augmentation(image, "drawing", seed) for seed in range(12)])
    assert len({view.tobytes() for view in views}) == 12
    assert np.array_equal(image, before)

    other: ThesisAugmentation = pickle.loads(pickle.dumps(augmentation))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if threads != 3 else 2)
        backward = [other(image, "artwork", seed) for seed in reversed(range(12))]
        assert torch.get_num_threads() == (3 if threads != 3 else 2)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(views, backward[::-1])

    elsewhere = list(DataLoader(Views(augmentation, image), batch_size=12, num_workers=1))
    assert np.array_equal(views, elsewhere[0].numpy())


def test_random_numbers_of_others_are_left_alone() -> None:
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002  # others may use it
    ThesisAugmentation(**THESIS)(picture(), "drawing", 5)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert str(after) == str(numpy_state)


def test_copies_are_effects_at_full_resolution() -> None:
    augmentation = ThesisAugmentation(**THESIS | {"copies": list(EFFECTS)})
    assert augmentation.copies == tuple(EFFECTS)
    assert augmentation.reads is None
    plain = augmentation(picture(), "drawing", 3)
    for name, effect in EFFECTS.items():
        view = augmentation(picture(), "drawing", 3, copy=name)
        assert np.array_equal(view, augmentation(effect(picture()), "drawing", 3))
        assert not np.array_equal(view, plain)


def test_any_layout_of_memory_will_do() -> None:
    mirrored = picture()[:, ::-1]
    mirrored.flags.writeable = False
    assert np.array_equal(squash(mirrored, SIZE), squash(mirrored.copy(), SIZE))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"copies": ["watre"]}, "unknown style effect 'watre'.*did you mean water"),
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
def test_impossible_settings(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ThesisAugmentation(**OFF | changed)


@pytest.mark.parametrize(("name", "copies"), [("basic", ()), ("style", tuple(EFFECTS))])
def test_exact_through_the_configuration(name: str, copies: tuple[str, ...]) -> None:
    overrides = [f"aug={name}", f"image_size={SIZE}"]
    corrected = build(compose("train", overrides).aug)
    exact = build(compose("train", [*overrides, "aug.exact=true"]).aug)
    assert isinstance(corrected, Augmentation)
    assert isinstance(exact, ThesisAugmentation)
    assert (exact.size, exact.copies) == (SIZE, copies)
    expected = ThesisAugmentation(**THESIS)
    for seed in range(4):
        view = exact(picture(), "drawing", seed)
        assert np.array_equal(view, expected(picture(), "drawing", seed))


def test_a_setting_changes_both_transforms() -> None:
    for exact in (False, True):
        chosen = {key: value for key, value in OFF.items() if key != "copies"} | {"flip": 1}
        flipped = augmentation(exact=exact, styles=[], style_p=0, **chosen)
        assert is_flipped(flipped(picture(), "drawing", 0))
