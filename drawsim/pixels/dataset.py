"""Images as a torch dataset: one file, one tensor of levels 0..255, one row number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from drawsim.common.errors import UserError
from drawsim.pixels.image_cache import ImageCache
from drawsim.pixels.reading import Reading


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images as a model reads them: item i is ((3, S, S), i), levels 0..255 (see `Reading`).

    Reading raises ImageReadError. cache: a folder that keeps what was read, see `ImageCache`; None:
    every read decodes. Raises UserError for a cache of images as the thesis reads them, which would
    take four times the room.
    """

    def __init__(self, paths: Sequence[Path], reading: Reading, cache: Path | None = None) -> None:
        self.paths = [str(path) for path in paths]
        self.reading = reading
        if cache is not None and reading.method == "thesis":
            raise UserError("image_cache: not for images as the thesis reads them; leave it out")
        self.cache = None if cache is None else ImageCache(cache, paths, reading)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        kept = None if self.cache is None else self.cache.get(index)
        return to_tensor(self._read(index) if kept is None else kept), index

    def _read(self, index: int) -> np.ndarray:
        square = self.reading.read(Path(self.paths[index]))
        if self.cache is not None:
            self.cache.put(index, square)
        return square


def to_tensor(image: np.ndarray) -> Tensor:
    """H × W × 3 array to a 3 × H × W tensor of its dtype (channels last in memory: no copy).

    drawsim's images are levels 0..255, uint8 or float32.
    """
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
