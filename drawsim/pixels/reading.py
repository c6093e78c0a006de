"""How a picture becomes the square that a model sees: the only code that decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from drawsim.common.errors import UserError, nearest
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, read_image
from drawsim.pixels.frames import FRAMES, Frames, crop
from drawsim.pixels.transforms import resize

Method = Literal["areas", "thesis"]
METHODS: tuple[Method, ...] = get_args(Method)
MAX_CROPS = 5
CROP_SCALE = 1.25
"""Crops are cut from the image squashed to this many times the model's size."""
FRAMED = 2
"""Pictures that may have a frame are decoded at so many times what their square needs."""
_SAYS: dict[Method, str] = {"areas": "areas averaged", "thesis": "full resolution, no antialias"}


@dataclass(frozen=True)
class Reading:
    """How a model reads and fits pictures.

    size: side S of its square, in pixels. method: `areas`, averaged, uint8; or `thesis`, read at
    full resolution and interpolated without antialias, float32 (`thesis_transforms.squash`); both
    in levels 0..255. max_pixels: see `read_image`. crops: views beside the whole
    picture, 0 to 5: the centre, then the corners, each 1/1.25 of a side. frames: `crop` cuts off
    what is no part of a picture, drawing or artwork (`drawsim.pixels.frames`). Raises UserError for
    values that cannot be.
    """

    size: int
    method: Method = "areas"
    max_pixels: int = DEFAULT_MAX_PIXELS
    crops: int = 0
    frames: Frames = "none"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(f"reading={self.method}: {nearest(str(self.method), METHODS)}")
        if self.frames not in FRAMES:
            raise UserError(f"frames={self.frames}: {nearest(str(self.frames), FRAMES)}")
        if self.size < 1:
            raise UserError(f"image_size={self.size}: at least 1")
        if self.max_pixels < 1:
            raise UserError(f"max_pixels={self.max_pixels}: at least 1")
        if not 0 <= self.crops <= MAX_CROPS:
            raise UserError(f"crops={self.crops}: from 0 to {MAX_CROPS}")

    @property
    def least_side(self) -> int | None:
        """Pixels of each side that decoding must leave of a picture; None: all there are."""
        if self.method == "thesis":
            return None
        least = round(self.size * CROP_SCALE) if self.crops else self.size
        return least if self.frames == "none" else FRAMED * least

    def decode(self, path: Path) -> np.ndarray:
        """A file's picture, (height, width, 3) uint8 RGB, no larger than the square needs it.

        Embedded colour profiles count, but not where pictures are read as the thesis did. Raises
        ImageReadError.
        """
        profiles = self.method != "thesis"
        return read_image(path, self.least_side, self.max_pixels, profiles=profiles)

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """What of (height, width, 3) uint8 RGB is the picture, as `frames` has it."""
        return pixels if self.frames == "none" else crop(pixels)

    def fit(self, pixels: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 RGB squashed to the square, (S, S, 3)."""
        return self._squash(self.picture(pixels), self.size)

    def read(self, path: Path) -> np.ndarray:
        """A file as the square, (S, S, 3). Raises ImageReadError."""
        return self.fit(self.decode(path))

    def views(self, pixels: np.ndarray) -> np.ndarray:
        """The square and the crops of a picture, (1 + crops, S, S, 3)."""
        pixels = self.picture(pixels)
        whole = self._squash(pixels, self.size)
        if not self.crops:
            return whole[None]
        large = self._squash(pixels, round(self.size * CROP_SCALE))
        return np.stack([whole, *_cut(large, self.size, self.crops)])

    def describe(self) -> str:
        """What it does to pictures, for the metadata of embedding files."""
        return _SAYS[self.method] + (", frames cropped" if self.frames == "crop" else "")

    def _squash(self, pixels: np.ndarray, size: int) -> np.ndarray:
        if self.method == "areas":
            return resize(pixels, size)
        from drawsim.pixels.thesis_transforms import squash  # torchvision takes a second

        return squash(pixels, size)


def _cut(image: np.ndarray, size: int, crops: int) -> Iterator[np.ndarray]:
    """The first so many of five crops of size × size: centre, top left, top right, bottom ones."""
    rest = image.shape[0] - size
    corners = [(0, 0), (0, rest), (rest, 0), (rest, rest)]
    for top, left in [(rest // 2, rest // 2), *corners][:crops]:
        yield image[top : top + size, left : left + size]
