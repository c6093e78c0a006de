"""Near-duplicates: changed copies are found, other works are not; hashes against brute force."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.fft import dctn

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.pixels.duplicates import (
    look_alikes,
    near_duplicates,
    perceptual_hashes,
    same_bytes,
)
from drawsim.pixels.look import miniature, shrink
from drawsim.pixels.styles import EFFECTS

Image = np.ndarray


def painting(seed: int, height: int = 150, width: int = 200) -> Image:
    """A smooth picture with thirty ellipses on it."""
    rng = np.random.default_rng(seed)
    page = cv2.resize(rng.integers(0, 256, (4, 5, 3), np.uint8), (width, height))
    for _ in range(30):
        centre = [int(value) for value in rng.integers(0, (width, height))]
        axes = [int(value) for value in rng.integers(4, 25, 2)]
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        cv2.ellipse(page, centre, axes, float(rng.integers(180)), 0, 360, colour, -1)
    return np.asarray(page)


def line_drawing(seed: int) -> Image:
    """A few thin strokes on white paper."""
    rng = np.random.default_rng(seed)
    page = np.full((150, 200, 3), 255, np.uint8)
    for _ in range(6):
        points = rng.integers(20, (180, 130), (4, 2)).astype(np.int32)
        cv2.polylines(page, [points], False, (40, 40, 40), 1, cv2.LINE_AA)
    return page


def jpeg(image: Image, quality: int) -> Image:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [1, quality])[1], 1))


CHANGES: dict[str, Callable[[Image], Image]] = {
    "smaller": lambda image: np.asarray(cv2.resize(image, (90, 70))),
    "larger": lambda image: np.asarray(cv2.resize(image, (400, 300))),
    "jpeg": lambda image: jpeg(image, 30),
    "gray": EFFECTS["gray"],
    "brighter": lambda image: np.clip(image * 1.15 + 5, 0, 255).astype(np.uint8),
    "cropped": lambda image: image[2:-2, 3:-3],
    "cropped on one side": lambda image: image[:, 4:],
}


def bits_apart(one: int, other: int) -> int:
    return bin(int(one) ^ int(other)).count("1")


def write(folder: Path, images: dict[str, Image]) -> dict[str, Path]:
    paths = {name: folder / f"{number}.png" for number, name in enumerate(images)}
    for name, path in paths.items():
        path.write_bytes(cv2.imencode(".png", images[name])[1].tobytes())
    return paths


@pytest.mark.parametrize("draw", [painting, line_drawing])
@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_other_works_are_not(
    draw: Callable[[int], Image], change: str
) -> None:
    originals = [draw(seed) for seed in range(15)]
    images = [*originals, *(CHANGES[change](image) for image in originals)]
    found = look_alikes([miniature(shrink(image)) for image in images], 10)
    assert list(zip(found.first, found.second, strict=True)) == sorted(
        zip(found.first, found.second, strict=True),
        key=lambda pair: (bits_apart(*_hashes(images, pair)), pair),
    )
    assert {(a, b) for a, b in zip(found.first, found.second, strict=True)} == {
        (row, row + 15) for row in range(15)
    }


def _hashes(images: list[Image], rows: tuple[int, int]) -> tuple[int, int]:
    one, other = perceptual_hashes(np.stack([miniature(shrink(images[row])) for row in rows]))
    return one, other


def test_blank_pages_are_in_no_pair() -> None:
    rng = np.random.default_rng(0)
    pages = [rng.integers(248, 252, (40, 30, 3), np.uint8) for _ in range(4)]
    assert len(look_alikes([miniature(shrink(page)) for page in pages], 64).first) == 0


def test_the_table(tmp_path: Path) -> None:
    images = {"z é": painting(0), "a": painting(1), "m": painting(0), "b": painting(2)}
    images["y"] = CHANGES["jpeg"](images["b"])
    paths = write(tmp_path, images)
    paths["broken"] = tmp_path / "broken.png"
    paths["broken"].write_bytes(paths["a"].read_bytes()[:200])
    found = near_duplicates(paths, distance=10, workers=1)
    assert list(found.columns) == ["first", "second", "distance"]
    assert found[["first", "second"]].to_numpy().tolist() == [["z é", "m"], ["b", "y"]]
    assert found["distance"].iloc[0] == 0
    pd.testing.assert_frame_equal(found, near_duplicates(paths, distance=10, workers=2))
    nothing = near_duplicates({}, workers=1)
    assert list(nothing.columns) == ["first", "second", "distance"]
    assert nothing.empty


@pytest.mark.parametrize("distance", [-1, 65])
def test_a_distance_that_makes_no_sense(distance: int) -> None:
    with pytest.raises(UserError, match=re.escape("0..64")):
        near_duplicates({}, distance=distance, workers=1)


def test_a_bit_is_a_frequency_above_the_median() -> None:
    small = miniature(shrink(painting(5)))
    low = dctn(small.astype(float))[1:9, 1:9].ravel()
    expected = low > np.median(low)
    bits = np.unpackbits(perceptual_hashes(small[None])[:, None].view(np.uint8))
    assert bits.tolist() == expected.astype(int).tolist()
    assert bits.sum() == 32


def test_same_bytes_come_in_groups() -> None:
    digests = {"a": "1", "b": "2", "c": "1", "d": "3", "e": "2", "f": "1"}
    assert same_bytes(digests) == [["a", "c", "f"], ["b", "e"]]


@pytest.mark.real_data
def test_photographs_of_the_same_painting(shared_data: Path) -> None:
    """Four photographs of one painting by Degas, one of them dark, among forty others of his."""
    collection = Collection.open(shared_data / "imaj")
    same = {f"Edgar_Degas_{number}" for number in (410, 442, 452, 672)}
    others = [f"Edgar_Degas_{number}" for number in range(20, 60)]
    known = [name for name in [*same, *others] if name in collection.artworks.index]
    found = near_duplicates(collection.paths("artwork", known), workers=1)
    together = {frozenset(pair) for pair in found[["first", "second"]].to_numpy().tolist()}
    assert set().union(*(pair for pair in together if pair & same)) == same
