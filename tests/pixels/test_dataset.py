"""Images as a dataset: the right file, the right shape, the right order of channels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from drawsim.collection.tables import Collection
from drawsim.pixels.dataset import ImageDataset, to_tensor
from drawsim.pixels.decode import ImageReadError, read_image
from drawsim.pixels.reading import Reading
from drawsim.pixels.thesis_transforms import squash


@pytest.fixture
def paths(collection: Collection) -> list[Path]:
    return list(collection.paths("artwork").values())


def test_an_item_is_the_image_squashed_to_a_square(paths: list[Path]) -> None:
    images = ImageDataset(paths, Reading(16))
    assert len(images) == 12
    tensor, row = images[7]
    assert row == 7
    assert tensor.shape == (3, 16, 16)
    assert tensor.dtype == torch.uint8
    # The pictures are smooth, so that every sound way to shrink them comes to the same.
    picture = np.asarray(Image.open(paths[7]).convert("RGB"))
    squashed = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    assert np.abs(tensor.numpy().astype(float) - squashed).mean() < 2


def test_exact_is_the_squash_of_the_thesis_at_full_resolution(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"  # the format that else is read at less than full resolution
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(path)
    tensor, row = ImageDataset([path], Reading(16, "thesis"))[0]
    assert row == 0
    assert tensor.dtype == torch.float32
    assert np.array_equal(tensor.numpy().transpose(1, 2, 0), squash(read_image(path), 16))
    # Noise that is sampled keeps its contrast, noise that is averaged loses it.
    averaged, _ = ImageDataset([path], Reading(16))[0]
    assert tensor.std() > 4 * averaged.float().std()


def test_colours_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "orange.png"
    Image.new("RGB", (9, 5), (250, 120, 10)).save(path)
    tensor, _ = ImageDataset([path], Reading(4))[0]
    assert [channel.flatten().tolist() for channel in tensor] == [[250] * 16, [120] * 16, [10] * 16]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_name_their_rows(paths: list[Path], workers: int) -> None:
    images = ImageDataset(paths, Reading(8))
    batches = list(DataLoader(images, batch_size=5, num_workers=workers))
    assert [rows.tolist() for _, rows in batches] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    together = torch.cat([tensors for tensors, _ in batches])
    assert torch.equal(together, torch.stack([images[i][0] for i in range(12)]))


def test_limits_and_faults_are_those_of_reading(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="pixels"):
        ImageDataset(paths, Reading(8, max_pixels=50 * 40 // 8 - 1))[0]
    with pytest.raises(ImageReadError, match="is not there"):
        ImageDataset([tmp_path / "gone.png"], Reading(8))[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_tensor_of_an_array_shares_its_memory(dtype: type[np.generic]) -> None:
    image = np.arange(2 * 4 * 3).astype(dtype).reshape(2, 4, 3)
    tensor = to_tensor(image)
    assert tensor.numpy().dtype == dtype
    assert tensor.shape == (3, 2, 4)
    assert torch.equal(tensor, torch.tensor(image.transpose(2, 0, 1).tolist()))
    image[1, 2, 0] = 99
    assert tensor[0, 1, 2] == 99
    mirrored = to_tensor(image[:, ::-1])
    assert torch.equal(mirrored, tensor.flip(2))
