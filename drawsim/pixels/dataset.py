"""Images as a torch dataset: one file, one uint8 tensor, one row number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from drawsim.pixels.decode import read_image
from drawsim.pixels.transforms import resize


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images squashed to `size` × `size`: item i is ((3, size, size) uint8, i)."""

    def __init__(self, paths: Sequence[Path], size: int, max_pixels: int) -> None:
        self.paths = [str(path) for path in paths]
        self.size = size
        self.max_pixels = max_pixels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = read_image(Path(self.paths[index]), self.size, self.max_pixels)
        return to_tensor(resize(image, self.size)), index


def to_tensor(image: np.ndarray) -> Tensor:
    """H × W × 3 uint8 array to a 3 × H × W uint8 tensor (channels last in memory: no copy)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
