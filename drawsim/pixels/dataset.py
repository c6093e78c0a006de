"""Images as a torch dataset: one file, one tensor of levels 0..255, one row number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from drawsim.common.errors import UserError
from drawsim.pixels.decode import read_image
from drawsim.pixels.image_cache import ImageCache
from drawsim.pixels.thesis_transforms import squash
from drawsim.pixels.transforms import resize


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images squashed to `size` × `size`: item i is ((3, size, size), i).

    The tensor is uint8, areas averaged; or, if `exact`, float32 as the thesis evaluates: read at
    full resolution and interpolated without antialias (`drawsim.pixels.thesis_transforms.squash`).
    Both are levels 0..255. Reading raises ImageReadError; `max_pixels` is its limit. cache: a
    folder that keeps what was read, see `ImageCache`; None: every read decodes. Raises UserError
    for a cache of exact images, which would take four times the room.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        max_pixels: int,
        exact: bool = False,
        cache: Path | None = None,
    ) -> None:
        self.paths = [str(path) for path in paths]
        self.size = size
        self.max_pixels = max_pixels
        self.exact = exact
        if cache is not None and exact:
            raise UserError("image_cache: not for images as the thesis reads them; leave it out")
        self.cache = None if cache is None else ImageCache(cache, paths, size)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        kept = None if self.cache is None else self.cache.get(index)
        return to_tensor(self._read(index) if kept is None else kept), index

    def _read(self, index: int) -> np.ndarray:
        path = Path(self.paths[index])
        if self.exact:
            return squash(read_image(path, max_pixels=self.max_pixels), self.size)
        square = resize(read_image(path, self.size, self.max_pixels), self.size)
        if self.cache is not None:
            self.cache.put(index, square)
        return square


def to_tensor(image: np.ndarray) -> Tensor:
    """H × W × 3 array to a 3 × H × W tensor of its dtype (channels last in memory: no copy).

    drawsim's images are levels 0..255, uint8 or float32.
    """
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
