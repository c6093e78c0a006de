"""The cache of decoded images: the same pixels, each file read once, nothing half written used."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.pixels.dataset import ImageDataset
from drawsim.pixels.image_cache import ImageCache
from drawsim.pixels.reading import Reading

SIZE = 24
MAX_PIXELS = 10**6


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for file in files:
        assert cv2.imwrite(str(file), rng.integers(0, 256, (40, 50, 3), np.uint8))
    return files


def cached(images: list[Path], folder: Path) -> ImageDataset:
    return ImageDataset(images, Reading(SIZE, max_pixels=MAX_PIXELS), folder)


def test_the_same_pixels_come_from_the_cache_without_the_files(
    images: list[Path], tmp_path: Path
) -> None:
    plain = ImageDataset(images, Reading(SIZE, max_pixels=MAX_PIXELS))
    expected = torch.stack([plain[row][0] for row in range(5)])
    data = cached(images, tmp_path / "cache")
    first = torch.stack([data[row][0] for row in range(5)])
    for file in images:
        content, status = file.read_bytes(), file.stat()
        file.write_bytes(b"x" * len(content))  # of the same size and time, and no image
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    other = pickle.loads(pickle.dumps(cached(images, tmp_path / "cache")))
    second = torch.stack([other[row][0] for row in range(5)])
    assert torch.equal(first, expected)
    assert torch.equal(second, expected)


def test_a_changed_image_is_read_anew(images: list[Path], tmp_path: Path) -> None:
    before = cached(images, tmp_path / "cache")[2][0]
    white = np.full((40, 50, 3), 255, np.uint8)
    assert cv2.imwrite(str(images[2]), white)
    after = cached(images, tmp_path / "cache")[2][0]
    assert not torch.equal(before, after)
    assert (after == 255).all()


def test_what_was_written_in_part_counts_as_absent(images: list[Path], tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "cache", images, Reading(SIZE))
    image = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    assert cache.get(3) is None
    cache.put(3, image)
    np.testing.assert_array_equal(cache.get(3), image)
    with cache.images_file.open("r+b") as file:
        file.seek(3 * image.size + 100)
        file.write(bytes(50))
    assert ImageCache(tmp_path / "cache", images, Reading(SIZE)).get(3) is None


def test_black_images_are_kept_too(images: list[Path], tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "cache", images, Reading(SIZE))
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    cache.put(0, black)
    np.testing.assert_array_equal(cache.get(0), black)


def test_the_size_is_said_and_nothing_is_written_before_the_first_image(
    images: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="drawsim"):
        ImageCache(tmp_path / "cache", images, Reading(1000))
    assert "will grow to 0.0 GB (5 images)" in caplog.text
    assert not (tmp_path / "cache").exists()


def test_a_disk_without_room_is_said(images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"5 images need .* GB .* are free"):
        ImageCache(tmp_path / "cache", images, Reading(10**8))


def test_exact_images_are_not_cached(images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="image_cache"):
        ImageDataset(images, Reading(SIZE, "thesis", MAX_PIXELS), tmp_path / "cache")


def test_pictures_without_their_frames_are_others(tmp_path: Path, images: list[Path]) -> None:
    plain = ImageCache(tmp_path, images, Reading(SIZE))
    cropped = ImageCache(tmp_path, images, Reading(SIZE, frames="crop"))
    assert plain.images_file != cropped.images_file
